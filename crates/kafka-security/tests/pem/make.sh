#!/usr/bin/env bash
# Makes every file of this folder, with `openssl` 3 and a JDK's `keytool` and `java`. The authorities' keys are not kept.
set -euo pipefail
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
pass=pass-phrase-of-the-key
days=36500

authority() { # file, name
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days $days -subj "/CN=$2" \
        -keyout "$work/$1.key" -out "$1.pem"
}
request() { # file, name
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$2" -keyout "$1.key" -out "$work/$1.csr"
}
signed() { # request, file, authority, subject alternative names, first day, last day
    mkdir -p "$work/$2"
    : > "$work/$2/index"
    printf '[ca]\ndefault_ca=it\n[it]\ndatabase=%s\nnew_certs_dir=%s\nrand_serial=yes\ndefault_md=sha256\npolicy=any\n[any]\ncommonName=supplied\n[ext]\nbasicConstraints=CA:FALSE\n%s\n' \
        "$work/$2/index" "$work/$2" "${4:+subjectAltName=$4}" > "$work/$2/config"
    openssl ca -batch -notext -config "$work/$2/config" -extensions ext -in "$work/$1.csr" -out "$2.pem" \
        -cert "$3.pem" -keyfile "$work/$3.key" -startdate "${5:-20000101000000Z}" -enddate "${6:-21250101000000Z}"
}

authority ca test-ca
authority other-ca other-ca

# Servers, with one key.
request server localhost
names=DNS:localhost,IP:127.0.0.1
signed server server ca $names
signed server expired ca $names 20000101000000Z 20010101000000Z
signed server future ca $names 21000101000000Z
signed server elsewhere ca DNS:elsewhere.test,IP:192.0.2.1
signed server nameless ca ""
openssl req -x509 -key server.key -days $days -subj /CN=self-signed -addext subjectAltName=$names -out self-signed.pem

# A client, its key in every form that is read, and in those that are refused with a way out.
request client client
signed client client ca ""
openssl ec -in client.key -out client-sec1.key
openssl pkcs8 -topk8 -in client.key -passout pass:$pass -out client-aes.key
openssl pkcs8 -topk8 -v2 aes-128-cbc -v2prf hmacWithSHA1 -in client.key -passout pass:$pass -out client-sha1.key
openssl pkcs8 -topk8 -v2 des3 -in client.key -passout pass:$pass -out client-des3.key
openssl pkcs8 -topk8 -scrypt -in client.key -passout pass:$pass -out client-scrypt.key
openssl pkcs8 -topk8 -v1 PBE-SHA1-3DES -in client.key -passout pass:$pass -out client-pbes1.key
openssl ec -in client.key -aes256 -passout pass:$pass -out client-openssl.key
openssl pkcs8 -topk8 -in client.key -nocrypt -outform DER -out "$work/client.der"
cat > "$work/Encrypt.java" <<JAVA
import java.nio.file.*;
import java.util.Base64;
import javax.crypto.*;
import javax.crypto.spec.*;

class Encrypt {
    public static void main(String[] arguments) throws Exception {
        var name = "PBEWithHmacSHA256AndAES_256";
        var key = SecretKeyFactory.getInstance(name).generateSecret(new PBEKeySpec("$pass".toCharArray()));
        var cipher = Cipher.getInstance(name);
        cipher.init(Cipher.ENCRYPT_MODE, key);
        var text = cipher.doFinal(Files.readAllBytes(Path.of("$work/client.der")));
        var parameters = java.security.AlgorithmParameters.getInstance("PBES2");
        parameters.init(cipher.getParameters().getEncoded());
        var der = new EncryptedPrivateKeyInfo(parameters, text).getEncoded();
        System.out.println("-----BEGIN ENCRYPTED PRIVATE KEY-----");
        System.out.println(Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(der));
        System.out.println("-----END ENCRYPTED PRIVATE KEY-----");
    }
}
JAVA
java "$work/Encrypt.java" > client-java.key
cat client.key client.pem ca.pem > client-combined.pem
cat client-aes.key client.pem > client-combined-aes.pem

# A client with RSA, and one whom nobody knows.
openssl req -newkey rsa:2048 -nodes -subj /CN=client-rsa -keyout client-rsa.key -out "$work/client-rsa.csr"
signed client-rsa client-rsa ca ""
openssl rsa -in client-rsa.key -traditional -out client-rsa-pkcs1.key
request stranger stranger
signed stranger stranger other-ca ""

# Key stores.
rm -f ./*.p12 ./*.jks
openssl pkcs12 -export -inkey client.key -in client.pem -certfile ca.pem -name client -passout pass:$pass -out client-openssl.p12
openssl pkcs12 -export -legacy -inkey client.key -in client.pem -certfile ca.pem -name client -passout pass:$pass \
    -out client-legacy.p12
keytool -importkeystore -noprompt -srckeystore client-openssl.p12 -srcstorepass $pass -destkeystore client-keytool.p12 \
    -deststoretype PKCS12 -deststorepass $pass
keytool -importkeystore -noprompt -srckeystore client-openssl.p12 -srcstorepass $pass -destkeystore client.jks \
    -deststoretype JKS -deststorepass $pass
cp client-keytool.p12 two-keys.p12
keytool -genkeypair -alias second -keyalg EC -dname CN=second -keystore two-keys.p12 -storepass $pass
keytool -importcert -noprompt -alias ca -file ca.pem -keystore trust-keytool.p12 -storetype PKCS12 -storepass $pass
chmod 644 ./*.key ./*.p12 ./*.jks
