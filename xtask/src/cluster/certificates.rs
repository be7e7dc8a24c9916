//! Certificates for one cluster, made on the spot in pure Rust: an authority, one for the brokers, one per user, and
//! some that are wrong.
//!
//! Keys are P-256, in PEM files (KIP-651), which brokers and clients read alike.

use std::{
    fs,
    ops::Deref,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use p256::{
    ecdsa::{DerSignature, SigningKey, signature::Signer},
    elliptic_curve::Generate,
    pkcs8::{DecodePrivateKey, EncodePrivateKey, LineEnding},
};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyIdMethod, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, PublicKeyData, SerialNumber, SignatureAlgorithm,
};

use super::state::write;

/// The PEM files of a cluster.
#[derive(Debug, Clone)]
pub(crate) struct Files {
    folder: PathBuf,
}

impl Files {
    pub(crate) fn in_folder(folder: &Path) -> Self {
        Self { folder: folder.to_owned() }
    }

    /// The authority's certificate, which both sides trust.
    pub(crate) fn authority(&self) -> PathBuf {
        self.folder.join("ca.pem")
    }

    /// A certificate alone.
    pub(crate) fn certificate(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.pem"))
    }

    /// Its key alone, PKCS#8.
    pub(crate) fn key(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.key.pem"))
    }

    /// Key and certificate in one file, which is what brokers read.
    pub(crate) fn store(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.store.pem"))
    }

    /// The authority's key, by which certificates are renewed.
    fn authority_key(&self) -> PathBuf {
        self.key("ca")
    }

    /// Makes an authority, and a certificate for each subject.
    pub(crate) fn make(&self, subjects: &[Subject<'_>]) -> Result<()> {
        let authority = Authority::generate("Test authority")?;
        write(&self.authority(), &authority.certificate()?)?;
        write(&self.authority_key(), &authority.issuer.key().pem()?)?;
        subjects.iter().try_for_each(|subject| self.make_one(*subject, &authority))
    }

    /// Makes `<name>-ca.pem`, an authority that nobody trusts, and a certificate of it.
    pub(crate) fn make_stranger(&self, subject: Subject<'_>) -> Result<()> {
        let authority = Authority::generate("Strange authority")?;
        write(&self.certificate(&format!("{}-ca", subject.name)), &authority.certificate()?)?;
        self.make_one(subject, &authority)
    }

    /// The authority that made what is here.
    pub(crate) fn load_authority(&self) -> Result<Authority> {
        let file = self.authority_key();
        let text = fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
        let secret = SigningKey::from_pkcs8_pem(&text)
            .map_err(|error| anyhow::anyhow!("{} holds no key: {error}", file.display()))?;
        Authority::new("Test authority", Key::new(secret))
    }

    /// Makes a key and a certificate, in place of those that are there.
    pub(crate) fn make_one(&self, subject: Subject<'_>, authority: &Authority) -> Result<()> {
        let Subject { name, hosts, server, client, expired } = subject;
        let key = Key::generate()?;
        let hosts: Vec<String> = hosts.iter().map(|host| (*host).to_owned()).collect();
        let mut own = parameters(name, &key)?;
        own.subject_alt_names = CertificateParams::new(hosts)?.subject_alt_names;
        own.use_authority_key_identifier_extension = true;
        own.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        own.extended_key_usages.extend(server.then_some(ExtendedKeyUsagePurpose::ServerAuth));
        own.extended_key_usages.extend(client.then_some(ExtendedKeyUsagePurpose::ClientAuth));
        if expired {
            own.not_after = rcgen::date_time_ymd(2001, 1, 1);
        }
        let certificate = own
            .signed_by(&key, &authority.issuer)
            .with_context(|| format!("cannot make {name}'s certificate"))?;
        let secret = key.pem()?;
        replace(&self.certificate(name), &certificate.pem())?;
        replace(&self.key(name), &secret)?;
        replace(&self.store(name), &format!("{}{}", secret.as_str(), certificate.pem()))
    }
}

/// Whom a certificate is for.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Subject<'a> {
    /// Its common name, and that of its files.
    pub(crate) name: &'a str,
    /// Names and addresses of the server.
    pub(crate) hosts: &'a [&'a str],
    pub(crate) server: bool,
    pub(crate) client: bool,
    /// Ended long ago.
    pub(crate) expired: bool,
}

/// Who signs certificates.
#[derive(Debug)]
pub(crate) struct Authority {
    parameters: CertificateParams,
    issuer: Issuer<'static, Key>,
}

impl Authority {
    fn generate(name: &str) -> Result<Self> {
        Self::new(name, Key::generate()?)
    }

    fn new(name: &str, key: Key) -> Result<Self> {
        let mut parameters = parameters(name, &key)?;
        parameters.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        Ok(Self { issuer: Issuer::new(parameters.clone(), key), parameters })
    }

    fn certificate(&self) -> Result<String> {
        let certificate = self.parameters.self_signed(self.issuer.key());
        Ok(certificate.context("cannot make the authority's certificate")?.pem())
    }
}

/// Writes a file so that a reader sees the old text or the new one, never a part.
fn replace(file: &Path, text: &str) -> Result<()> {
    let next = file.with_extension("next");
    write(&next, text)?;
    fs::rename(&next, file).with_context(|| format!("cannot write {}", file.display()))
}

fn parameters(name: &str, key: &Key) -> Result<CertificateParams> {
    let mut parameters = CertificateParams::new(Vec::new())?;
    parameters.distinguished_name = DistinguishedName::new();
    parameters.distinguished_name.push(DnType::CommonName, name);
    parameters.serial_number = Some(SerialNumber::from(fastrand::u64(1..)));
    parameters.key_identifier_method = KeyIdMethod::PreSpecified(key.identifier());
    let now = rcgen::date_time_ymd(2000, 1, 1);
    parameters.not_before = now;
    parameters.not_after = rcgen::date_time_ymd(2100, 1, 1);
    Ok(parameters)
}

/// A key to sign with, as `rcgen` wants it: its own ones come from C.
#[derive(Debug)]
struct Key {
    secret: SigningKey,
    /// The public point, uncompressed.
    public: Vec<u8>,
}

impl Key {
    fn generate() -> Result<Self> {
        Ok(Self::new(SigningKey::try_generate().context("the system gives no random numbers")?))
    }

    fn new(secret: SigningKey) -> Self {
        let public = secret.verifying_key().to_sec1_point(false).as_bytes().to_vec();
        Self { secret, public }
    }

    /// PKCS#8.
    fn pem(&self) -> Result<impl Deref<Target = String>> {
        self.secret.to_pkcs8_pem(LineEnding::LF).context("cannot encode a key")
    }

    /// Any bytes that tell keys apart will do: the end of the public point.
    fn identifier(&self) -> Vec<u8> {
        self.public.iter().rev().take(20).copied().collect()
    }
}

impl PublicKeyData for Key {
    fn der_bytes(&self) -> &[u8] {
        &self.public
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        &PKCS_ECDSA_P256_SHA256
    }
}

impl rcgen::SigningKey for Key {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        let signature: DerSignature =
            self.secret.try_sign(message).map_err(|_error| rcgen::Error::RemoteKeyError)?;
        Ok(signature.as_bytes().to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_holds_what_its_name_says() {
        let folder = std::env::temp_dir().join(format!("xtask-certificates-{}", fastrand::u64(..)));
        let files = Files::in_folder(&folder);
        let broker = Subject {
            name: "broker",
            hosts: &["localhost", "127.0.0.1"],
            server: true,
            ..Subject::default()
        };
        let alice = Subject { name: "alice", client: true, ..Subject::default() };
        files.make(&[broker, alice]).unwrap();
        let read = |path: PathBuf| fs::read_to_string(path).unwrap();
        assert!(read(files.authority()).starts_with("-----BEGIN CERTIFICATE-----"));
        for name in ["broker", "alice"] {
            assert!(read(files.certificate(name)).starts_with("-----BEGIN CERTIFICATE-----"));
            assert!(read(files.key(name)).starts_with("-----BEGIN PRIVATE KEY-----"));
            assert_eq!(read(files.store(name)), read(files.key(name)) + &read(files.certificate(name)));
        }
        assert_ne!(read(files.key("broker")), read(files.key("alice")));
        let (before, store) = (read(files.certificate("alice")), read(files.store("broker")));
        files.make_one(alice, &files.load_authority().unwrap()).unwrap();
        assert_ne!(read(files.certificate("alice")), before);
        assert_eq!(read(files.store("broker")), store);
        files.make_stranger(Subject { name: "stranger", ..alice }).unwrap();
        assert_ne!(read(files.certificate("stranger-ca")), read(files.authority()));
        fs::remove_dir_all(folder).unwrap();
    }
}
