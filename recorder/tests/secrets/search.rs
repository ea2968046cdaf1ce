//! Looks for things in files, by other means than those that are tested: every file as it is, and
//! with everything in it decoded that can be.

use std::io::Read;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// All files below a folder.
pub fn files(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.extend(files(&path));
        } else {
            let bytes = std::fs::read(&path).unwrap();
            // Its name is written, too.
            all.push((path.clone(), path.display().to_string().into_bytes()));
            all.push((path, bytes));
        }
    }
    all
}

/// The bytes, and what they decode to, three times over.
pub fn views(bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut all = vec![bytes.to_vec()];
    let mut last = 0;
    for _ in 0..3 {
        let end = all.len();
        for at in last..end {
            let view = all[at].clone();
            for decoded in [unescaped(&view), percent(&view), base64(&view), gunzip(&view)] {
                if !decoded.is_empty() && !all.contains(&decoded) {
                    all.push(decoded);
                }
            }
        }
        last = end;
    }
    all
}

fn unescaped(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let hex = text.get(at + 2..at + 6).and_then(|hex| std::str::from_utf8(hex).ok());
        let unit = hex.and_then(|hex| u32::from_str_radix(hex, 16).ok()).and_then(char::from_u32);
        match (text[at], text.get(at + 1), unit) {
            (b'\\', Some(b'u'), Some(unit)) => {
                out.extend_from_slice(unit.encode_utf8(&mut [0; 4]).as_bytes());
                at += 6;
            }
            (b'\\', Some(b'n'), _) => {
                out.push(b'\n');
                at += 2;
            }
            (b'\\', Some(other), _) => {
                out.push(*other);
                at += 2;
            }
            (byte, ..) => {
                out.push(byte);
                at += 1;
            }
        }
    }
    out
}

fn percent(text: &[u8]) -> Vec<u8> {
    percent_encoding::percent_decode(text).collect()
}

fn base64(text: &[u8]) -> Vec<u8> {
    let config = GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true);
    let engine = GeneralPurpose::new(&alphabet::STANDARD, config);
    let is_letter = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'-' | b'_');
    let mut out = Vec::new();
    for run in text.split(|b| !is_letter(b)).filter(|run| run.len() >= 8) {
        let run: Vec<u8> = run
            .iter()
            .map(|b| match b {
                b'-' => b'+',
                b'_' => b'/',
                b => *b,
            })
            .collect();
        // The run may begin before the text that was coded.
        for start in 0..4 {
            let part = &run[start..];
            let whole = if part.len() % 4 == 1 { &part[..part.len() - 1] } else { part };
            out.extend(engine.decode(whole).unwrap_or_default());
            out.push(b'\n');
        }
    }
    out
}

fn gunzip(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let starts = memchr::memmem::find_iter(bytes, &[0x1f, 0x8b, 8]);
    for start in starts.take(64) {
        let _ = flate2::read::GzDecoder::new(&bytes[start..]).take(1 << 26).read_to_end(&mut out);
    }
    out
}
