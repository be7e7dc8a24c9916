//! Certificates for one cluster, made on the spot in pure Rust: an authority, one for the brokers, one per user.
//!
//! Keys are P-256, in PEM files (KIP-651), which brokers and clients read alike.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use p256::{
    ecdsa::{DerSignature, SigningKey, signature::Signer},
    elliptic_curve::Generate,
    pkcs8::{EncodePrivateKey, LineEnding},
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

    /// Makes an authority, a certificate for servers on these hosts, and one for each client name.
    pub(crate) fn make(&self, server: &str, hosts: &[&str], clients: &[&str]) -> Result<()> {
        let key = Key::generate()?;
        let mut authority = parameters("Test authority", &key)?;
        authority.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let certificate = authority.self_signed(&key).context("cannot make the authority's certificate")?;
        write(&self.authority(), &certificate.pem())?;
        let issuer = Issuer::new(authority, key);
        self.make_one(server, hosts, ExtendedKeyUsagePurpose::ServerAuth, &issuer)?;
        clients
            .iter()
            .try_for_each(|client| self.make_one(client, &[], ExtendedKeyUsagePurpose::ClientAuth, &issuer))
    }

    fn make_one(
        &self,
        name: &str,
        hosts: &[&str],
        usage: ExtendedKeyUsagePurpose,
        issuer: &Issuer<'_, Key>,
    ) -> Result<()> {
        let key = Key::generate()?;
        let hosts: Vec<String> = hosts.iter().map(|host| (*host).to_owned()).collect();
        let mut own = parameters(name, &key)?;
        own.subject_alt_names = CertificateParams::new(hosts)?.subject_alt_names;
        own.use_authority_key_identifier_extension = true;
        own.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        own.extended_key_usages = vec![usage];
        let certificate =
            own.signed_by(&key, issuer).with_context(|| format!("cannot make {name}'s certificate"))?;
        let secret = key.secret.to_pkcs8_pem(LineEnding::LF).context("cannot encode a key")?;
        write(&self.certificate(name), &certificate.pem())?;
        write(&self.key(name), &secret)?;
        write(&self.store(name), &format!("{}{}", secret.as_str(), certificate.pem()))
    }
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
        let secret = SigningKey::try_generate().context("the system gives no random numbers")?;
        let public = secret.verifying_key().to_sec1_point(false).as_bytes().to_vec();
        Ok(Self { secret, public })
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
    use std::fs;

    use super::*;

    #[test]
    fn every_file_holds_what_its_name_says() {
        let folder = std::env::temp_dir().join(format!("xtask-certificates-{}", fastrand::u64(..)));
        let files = Files::in_folder(&folder);
        files.make("broker", &["localhost", "127.0.0.1"], &["alice"]).unwrap();
        let read = |path: PathBuf| fs::read_to_string(path).unwrap();
        assert!(read(files.authority()).starts_with("-----BEGIN CERTIFICATE-----"));
        for name in ["broker", "alice"] {
            assert!(read(files.certificate(name)).starts_with("-----BEGIN CERTIFICATE-----"));
            assert!(read(files.key(name)).starts_with("-----BEGIN PRIVATE KEY-----"));
            assert_eq!(read(files.store(name)), read(files.key(name)) + &read(files.certificate(name)));
        }
        assert_ne!(read(files.key("broker")), read(files.key("alice")));
        fs::remove_dir_all(folder).unwrap();
    }
}
