//! Keys and certificates: placeholders, made once, that can be read as what they stand for. The secret halves are known to everyone.
//!
//! What Helm refuses is refused; beyond that, what is signed and for how long makes no difference.

use super::arguments::{NIL_POINTER, bytes, fixed, shown, text};
use super::bases::from_base64;
use super::signature::{Function, Type};
use crate::value::{Kind, Object, Str, Value};
use core::net::IpAddr;
use std::any::Any;

const CERTIFICATE: Type = Type::Object("sprig.certificate");

/// The functions of this file.
pub(super) const FUNCTIONS: &[Function] = &[
    fixed("genPrivateKey", &[Type::Str], gen_private_key),
    fixed("buildCustomCert", &[Type::Str, Type::Str], build_custom),
    fixed("genCA", &[Type::Str, Type::Int], |_| Ok(Certificate::authority())),
    fixed("genCAWithKey", &[Type::Str, Type::Int, Type::Str], |args| {
        Certificate::with_key(AUTHORITY, &args[2])
    }),
    fixed("genSelfSignedCert", &[Type::Str, Type::List, Type::List, Type::Int], |args| {
        check_names(&args[1], &args[2])?;
        Ok(Certificate::authority())
    }),
    fixed("genSelfSignedCertWithKey", &[Type::Str, Type::List, Type::List, Type::Int, Type::Str], |args| {
        let certificate = Certificate::with_key(AUTHORITY, &args[4])?;
        check_names(&args[1], &args[2])?;
        Ok(certificate)
    }),
    fixed("genSignedCert", &[Type::Str, Type::List, Type::List, Type::Int, CERTIFICATE], |args| {
        check_signer(&args[4])?;
        check_names(&args[1], &args[2])?;
        Ok(Certificate::signed())
    }),
    fixed(
        "genSignedCertWithKey",
        &[Type::Str, Type::List, Type::List, Type::Int, CERTIFICATE, Type::Str],
        |args| {
            let certificate = Certificate::with_key(SIGNED, &args[5])?;
            check_signer(&args[4])?;
            check_names(&args[1], &args[2])?;
            Ok(certificate)
        },
    ),
];

/// The bodies, without the lines that say what they are.
const AUTHORITY: &str = include_str!("placeholders/ca-certificate.txt");
const SIGNED: &str = include_str!("placeholders/certificate.txt");

fn pem(kind: &str, body: &str) -> String {
    format!("-----BEGIN {kind}-----\n{body}-----END {kind}-----\n")
}

/// `sprig.certificate`
struct Certificate {
    cert: Str,
    key: Str,
}

impl Certificate {
    fn pair(certificate: &str, key: &str) -> Value {
        let cert = pem("CERTIFICATE", certificate).into();
        Value::object(Certificate { cert, key: pem("RSA PRIVATE KEY", key).into() })
    }

    fn authority() -> Value {
        Certificate::pair(AUTHORITY, include_str!("placeholders/ca-key.txt"))
    }

    fn signed() -> Value {
        Certificate::pair(SIGNED, include_str!("placeholders/key.txt"))
    }

    /// A certificate beside a key that was given.
    fn with_key(certificate: &str, key: &Value) -> Result<Value, String> {
        check_key(&text(key)).map_err(|error| format!("parsing private key: {error}"))?;
        let key = bytes(key).into();
        Ok(Value::object(Certificate { cert: pem("CERTIFICATE", certificate).into(), key }))
    }
}

impl Object for Certificate {
    fn type_name(&self) -> &'static str {
        "sprig.certificate"
    }

    fn kind(&self) -> Kind {
        Kind::Struct
    }

    fn field(&self, name: &str) -> Option<Value> {
        match name {
            "Cert" => Some(Value::Str(self.cert.clone())),
            "Key" => Some(Value::Str(self.key.clone())),
            _ => None,
        }
    }

    fn text(&self) -> Str {
        [b"{", self.cert.as_bytes(), b" ", self.key.as_bytes(), b"}"].concat().into()
    }

    fn data(&self) -> Value {
        Value::map([
            ("Cert".into(), Value::Str(self.cert.clone())),
            ("Key".into(), Value::Str(self.key.clone())),
        ])
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

fn gen_private_key(args: &[Value]) -> Result<Value, String> {
    let kind = text(&args[0]);
    let (name, body) = match kind.as_ref() {
        "" | "rsa" => ("RSA PRIVATE KEY", include_str!("placeholders/rsa.txt")),
        "dsa" => ("DSA PRIVATE KEY", include_str!("placeholders/dsa.txt")),
        "ecdsa" => ("EC PRIVATE KEY", include_str!("placeholders/ecdsa.txt")),
        "ed25519" => ("PRIVATE KEY", include_str!("placeholders/ed25519.txt")),
        other => return Ok(Value::str(format!("Unknown type {other}"))),
    };
    Ok(Value::str(pem(name, body)))
}

fn build_custom(args: &[Value]) -> Result<Value, String> {
    let cert = from_base64(bytes(&args[0])).map_err(|_| "unable to decode base64 certificate")?;
    let key = from_base64(bytes(&args[1])).map_err(|_| "unable to decode base64 private key")?;
    let (_, body) = block(&String::from_utf8_lossy(&cert)).ok_or("unable to decode certificate")?;
    if !is_sequence(&body) {
        return Err("error parsing certificate: decodedCert.Bytes: x509: malformed certificate".to_owned());
    }
    check_key(&String::from_utf8_lossy(&key))
        .map_err(|error| format!("error parsing private key: {error}"))?;
    Ok(Value::object(Certificate { cert: cert.into(), key: key.into() }))
}

/// The first PEM block of a text: its kind and its bytes.
fn block(text: &str) -> Option<(String, Vec<u8>)> {
    let mut rest = text;
    loop {
        let at = rest.find("-----BEGIN ")?;
        let line_start = at == 0 || rest[..at].ends_with('\n');
        let (kind, after) = rest[at + 11..].split_once("-----")?;
        if let Some((body, _)) = after.split_once(&format!("-----END {kind}-----")).filter(|_| line_start) {
            // Headers may stand before the body, with a blank line between.
            let body =
                body.split_once("\n\n").filter(|(headers, _)| headers.contains(':')).map_or(body, |b| b.1);
            let body: String = body.split_ascii_whitespace().collect();
            return Some((kind.to_owned(), from_base64(body.as_bytes()).ok()?));
        }
        rest = after;
    }
}

/// Whether bytes look like one ASN.1 sequence, which keys and certificates are.
fn is_sequence(bytes: &[u8]) -> bool {
    let [0x30, len, rest @ ..] = bytes else { return false };
    let count = usize::from(len & 0x7F);
    match rest.split_at_checked(count) {
        _ if *len < 0x80 => rest.len() == count,
        Some((size, rest)) if count <= 4 => {
            size.iter().fold(0, |size, byte| size << 8 | usize::from(*byte)) == rest.len()
        }
        _ => false,
    }
}

fn check_key(text: &str) -> Result<(), String> {
    let (kind, bytes) = block(text).ok_or("no PEM data in input")?;
    let name = match kind.as_str() {
        "PRIVATE KEY" => return sequence_of_key(&bytes, "decoding PEM as PKCS#8"),
        kind => kind
            .strip_suffix(" PRIVATE KEY")
            .ok_or_else(|| format!("no private key data in PEM block of type {kind}"))?,
    };
    match name {
        "RSA" | "EC" | "DSA" => sequence_of_key(&bytes, &format!("parsing {name} private key from PEM")),
        _ => Err(format!("invalid private key type {kind}")),
    }
}

fn sequence_of_key(bytes: &[u8], what: &str) -> Result<(), String> {
    if is_sequence(bytes) { Ok(()) } else { Err(format!("{what}: asn1: structure error")) }
}

fn check_signer(signer: &Value) -> Result<(), String> {
    let signer = match signer {
        Value::Object(object) => object.as_any().downcast_ref::<Certificate>(),
        _ => None,
    };
    let signer = signer.ok_or(NIL_POINTER)?;
    let (_, cert) = block(&signer.cert.text()).ok_or("unable to decode certificate")?;
    if !is_sequence(&cert) {
        return Err(
            "error parsing certificate: decodedSignerCert.Bytes: x509: malformed certificate".to_owned()
        );
    }
    check_key(&signer.key.text()).map_err(|error| format!("error parsing private key: {error}"))
}

/// The addresses and names of a certificate.
fn check_names(addresses: &Value, names: &Value) -> Result<(), String> {
    for address in addresses.as_list().iter().flat_map(|list| list.items()) {
        let Some(text) = address.as_str() else {
            return Err(format!("error parsing ip: {} is not a string", shown(address)));
        };
        if text.text().parse::<IpAddr>().is_err() {
            return Err(format!("error parsing ip: {}", text.text()));
        }
    }
    for name in names.as_list().iter().flat_map(|list| list.items()) {
        if name.as_str().is_none() {
            return Err(format!("error processing alternate dns name: {} is not a string", shown(name)));
        }
    }
    Ok(())
}
