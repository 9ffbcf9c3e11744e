//! Base64 and base32 as Go reads and writes them; where a text is wrong, the place of it is told as Go counts it.

use super::arguments::{bytes, fixed, text_of};
use super::signature::{Function, Type};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// The functions of this file. What cannot be decoded becomes the reason why.
pub(super) const FUNCTIONS: &[Function] = &[
    fixed("b64enc", &[Type::Str], |args| text_of(STANDARD.encode(bytes(&args[0])).into_bytes())),
    fixed("b64dec", &[Type::Str], |args| text_of(from_base64(bytes(&args[0])).unwrap_or_else(String::into))),
    fixed("b32enc", &[Type::Str], |args| text_of(to_base32(bytes(&args[0])))),
    fixed("b32dec", &[Type::Str], |args| text_of(from_base32(bytes(&args[0])).unwrap_or_else(String::into))),
];

const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// What letters stand for; what stands for nothing is 255.
const fn digits(alphabet: &[u8]) -> [u8; 256] {
    let mut digits = [u8::MAX; 256];
    let mut at = 0;
    while at < alphabet.len() {
        digits[alphabet[at] as usize] = at as u8;
        at += 1;
    }
    digits
}

const BASE64_DIGITS: [u8; 256] = digits(BASE64);

const BASE32_DIGITS: [u8; 256] = digits(BASE32);

fn is_line_end(byte: u8) -> bool {
    matches!(byte, b'\r' | b'\n')
}

/// The bytes of standard base64; line breaks in it do not count.
pub(super) fn from_base64(text: &[u8]) -> Result<Vec<u8>, String> {
    let wrong = |at: usize| format!("illegal base64 data at input byte {at}");
    let after_lines = |at: usize| at + text[at..].iter().take_while(|byte| is_line_end(**byte)).count();
    let mut out = Vec::with_capacity(text.len() / 4 * 3);
    let (mut number, mut count, mut at) = (0u32, 0, 0);
    while let Some(byte) = text.get(at).copied() {
        at += 1;
        let digit = BASE64_DIGITS[usize::from(byte)];
        if digit != u8::MAX {
            number = number << 6 | u32::from(digit);
            count += 1;
            if count == 4 {
                out.extend_from_slice(&number.to_be_bytes()[1..]);
                (number, count) = (0, 0);
            }
            continue;
        }
        if is_line_end(byte) {
            continue;
        }
        if byte != b'=' || count < 2 {
            return Err(wrong(at - 1));
        }
        if count == 2 {
            at = after_lines(at);
            match text.get(at) {
                None => return Err(wrong(text.len())),
                Some(b'=') => at += 1,
                Some(_) => return Err(wrong(at - 1)),
            }
        }
        at = after_lines(at);
        if at < text.len() {
            return Err(wrong(at));
        }
        out.extend_from_slice(&(number << (6 * (4 - count))).to_be_bytes()[1..count]);
        return Ok(out);
    }
    if count > 0 { Err(wrong(text.len() - count)) } else { Ok(out) }
}

fn to_base32(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len().div_ceil(5) * 8);
    for chunk in bytes.chunks(5) {
        let mut block = [0; 8];
        block[3..3 + chunk.len()].copy_from_slice(chunk);
        let number = u64::from_be_bytes(block);
        let letters = (chunk.len() * 8).div_ceil(5);
        for at in 0..8 {
            let digit = (number >> (35 - 5 * at)) & 31;
            out.push(if at < letters { BASE32[digit as usize] } else { b'=' });
        }
    }
    out
}

/// Line breaks do not count, not even where a place is told.
fn from_base32(text: &[u8]) -> Result<Vec<u8>, String> {
    let text: Vec<u8> = text.iter().copied().filter(|byte| !is_line_end(*byte)).collect();
    let wrong = |at: usize| format!("illegal base32 data at input byte {at}");
    let mut out = Vec::with_capacity(text.len() / 8 * 5);
    let mut start = 0;
    while start < text.len() {
        let mut number = 0u64;
        let mut count = 0;
        while count < 8 {
            let at = start + count;
            let Some(byte) = text.get(at).copied() else { return Err(wrong(text.len() - count)) };
            let left = text.len() - at - 1;
            if byte == b'=' && count >= 2 && left < 8 {
                if left + count < 7 {
                    return Err(wrong(text.len()));
                }
                if let Some(other) =
                    (at + 1..start + 8).find(|next| text.get(*next).is_some_and(|byte| *byte != b'='))
                {
                    return Err(wrong(other - 1));
                }
                if matches!(count, 3 | 6) {
                    return Err(wrong(at));
                }
                number <<= 5 * (8 - count);
                out.extend_from_slice(&number.to_be_bytes()[3..3 + count * 5 / 8]);
                return Ok(out);
            }
            let digit = BASE32_DIGITS[usize::from(byte)];
            if digit == u8::MAX {
                return Err(wrong(at));
            }
            number = number << 5 | u64::from(digit);
            count += 1;
        }
        out.extend_from_slice(&number.to_be_bytes()[3..]);
        start += 8;
    }
    Ok(out)
}
