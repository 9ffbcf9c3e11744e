//! Passwords and ciphers. What Helm makes at random, or slowly, is a placeholder of the right form here, so that a chart comes out the
//! same each time: it is good for telling what objects there are, never for use.

use super::arguments::{MOST_BYTES, bytes, fixed, int, text, text_of, too_long};
use super::signature::{Function, Type};
use crate::value::Value;
use aes::Aes256;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use cbc::cipher::block_padding::NoPadding;
use cbc::cipher::{BlockDecryptMut, BlockEncryptMut, KeyIvInit};
use hmac::{Hmac, Mac};
use sha2::Sha256;

/// The functions of this file.
pub(super) const FUNCTIONS: &[Function] = &[
    fixed("bcrypt", &[Type::Str], |args| Ok(Value::str(bcrypt(bytes(&args[0]))))),
    fixed("htpasswd", &[Type::Str, Type::Str], htpasswd),
    fixed("uuidv4", &[], |_| Ok(Value::str("00000000-0000-4000-8000-000000000000"))),
    fixed("randBytes", &[Type::Int], rand_bytes),
    fixed("derivePassword", &[Type::Uint32, Type::Str, Type::Str, Type::Str, Type::Str], derive_password),
    fixed("encryptAES", &[Type::Str, Type::Str], encrypt),
    fixed("decryptAES", &[Type::Str, Type::Str], decrypt),
];

fn bcrypt(password: &[u8]) -> &'static str {
    if password.len() > 72 {
        return "failed to encrypt string with bcrypt: bcrypt: password length exceeds 72 bytes";
    }
    "$2a$10$ICUNo3MXCIsiJ8A/QdIlMuzL7LYdP3/3U/mnYAGTmtzEX5zqdV.1u"
}

fn htpasswd(args: &[Value]) -> Result<Value, String> {
    let (user, password) = (bytes(&args[0]), bytes(&args[1]));
    if user.contains(&b':') {
        return text_of([b"invalid username: ", user].concat());
    }
    text_of([user, b":", bcrypt(password).as_bytes()].concat())
}

fn rand_bytes(args: &[Value]) -> Result<Value, String> {
    let count = usize::try_from(int(&args[0])).map_err(|_| "runtime error: makeslice: len out of range")?;
    if count > MOST_BYTES / 4 * 3 {
        return Err(too_long());
    }
    let bytes: Vec<u8> = b"placeholder".iter().copied().cycle().take(count).collect();
    text_of(STANDARD.encode(bytes).into_bytes())
}

/// The forms of a password: each letter stands for some characters.
fn templates(kind: &str) -> Option<&'static [&'static str]> {
    Some(match kind {
        "maximum" => &["anoxxxxxxxxxxxxxxxxx", "axxxxxxxxxxxxxxxxxno"],
        "long" => &[
            "CvcvnoCvcvCvcv",
            "CvcvCvcvnoCvcv",
            "CvcvCvcvCvcvno",
            "CvccnoCvcvCvcv",
            "CvccCvcvnoCvcv",
            "CvccCvcvCvcvno",
            "CvcvnoCvccCvcv",
            "CvcvCvccnoCvcv",
            "CvcvCvccCvcvno",
            "CvcvnoCvcvCvcc",
            "CvcvCvcvnoCvcc",
            "CvcvCvcvCvccno",
            "CvccnoCvccCvcv",
            "CvccCvccnoCvcv",
            "CvccCvccCvcvno",
            "CvcvnoCvccCvcc",
            "CvcvCvccnoCvcc",
            "CvcvCvccCvccno",
            "CvccnoCvcvCvcc",
            "CvccCvcvnoCvcc",
            "CvccCvcvCvccno",
        ],
        "medium" => &["CvcnoCvc", "CvcCvcno"],
        "short" => &["Cvcn"],
        "basic" => &["aaanaaan", "aannaaan", "aaannaaa"],
        "pin" => &["nnnn"],
        _ => return None,
    })
}

fn characters(letter: u8) -> &'static [u8] {
    match letter {
        b'V' => b"AEIOU",
        b'C' => b"BCDFGHJKLMNPQRSTVWXYZ",
        b'v' => b"aeiou",
        b'c' => b"bcdfghjklmnpqrstvwxyz",
        b'A' => b"AEIOUBCDFGHJKLMNPQRSTVWXYZ",
        b'a' => b"AEIOUaeiouBCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz",
        b'n' => b"0123456789",
        b'o' => b"@&%?,=[]_:-+*$#!'^~;()/.",
        _ => b"AEIOUaeiouBCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz0123456789!@#$%^&*()",
    }
}

/// The password of a site by the rules of "Master Password". Not random, so it is the one that Helm gives.
fn derive_password(args: &[Value]) -> Result<Value, String> {
    const SEED: &[u8] = b"com.lyndir.masterpassword";
    let kind = text(&args[1]);
    let Some(templates) = templates(&kind) else {
        return text_of(format!("cannot find password template {kind}").into_bytes());
    };
    let counter = int(&args[0]) as u32;
    let (password, user, site) = (bytes(&args[2]), bytes(&args[3]), bytes(&args[4]));
    let salt = [SEED, &(user.len() as u32).to_be_bytes(), user].concat();
    let mut key = [0; 64];
    let params = scrypt::Params::new(15, 8, 2, key.len()).map_err(|error| error.to_string())?;
    scrypt::scrypt(password, &salt, &params, &mut key).map_err(|error| error.to_string())?;
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).map_err(|error| error.to_string())?;
    mac.update(&[SEED, &(site.len() as u32).to_be_bytes(), site, &counter.to_be_bytes()].concat());
    let seed = mac.finalize().into_bytes();
    let template = templates[usize::from(seed[0]) % templates.len()];
    let letters = template.bytes().zip(&seed[1..]).map(|(letter, byte)| {
        let characters = characters(letter);
        characters[usize::from(*byte) % characters.len()]
    });
    text_of(letters.collect())
}

const BLOCK: usize = 16;

/// The key is the password, cut or filled up to 32 bytes.
fn key(password: &[u8]) -> [u8; 32] {
    let mut key = [0; 32];
    let len = password.len().min(key.len());
    key[..len].copy_from_slice(&password[..len]);
    key
}

/// The text can be decrypted, but the vector that Helm draws is always zero here.
fn encrypt(args: &[Value]) -> Result<Value, String> {
    let plain = bytes(&args[1]);
    if plain.is_empty() {
        return Ok(Value::str(""));
    }
    let padding = BLOCK - plain.len() % BLOCK;
    let mut padded = plain.to_vec();
    padded.resize(plain.len() + padding, padding as u8);
    let vector = [0; BLOCK];
    let cipher = cbc::Encryptor::<Aes256>::new(&key(bytes(&args[0])).into(), &vector.into());
    let encrypted = cipher.encrypt_padded_vec_mut::<NoPadding>(&padded);
    text_of(STANDARD.encode([&vector[..], &encrypted].concat()).into_bytes())
}

fn decrypt(args: &[Value]) -> Result<Value, String> {
    if bytes(&args[1]).is_empty() {
        return Ok(Value::str(""));
    }
    let encrypted = super::bases::from_base64(bytes(&args[1]))?;
    let Some((vector, encrypted)) = encrypted.split_first_chunk::<BLOCK>() else {
        return Err(format!(
            "runtime error: slice bounds out of range [:16] with capacity {}",
            encrypted.len()
        ));
    };
    let cipher = cbc::Decryptor::<Aes256>::new(&key(bytes(&args[0])).into(), vector.into());
    let plain = cipher.decrypt_padded_vec_mut::<NoPadding>(encrypted);
    let mut plain = plain.map_err(|_| "crypto/cipher: input not full blocks".to_owned())?;
    let padding = usize::from(*plain.last().ok_or("runtime error: index out of range [-1]")?);
    let len = plain
        .len()
        .checked_sub(padding)
        .ok_or_else(|| format!("runtime error: slice bounds out of range [:-{}]", padding - plain.len()))?;
    plain.truncate(len);
    text_of(plain)
}
