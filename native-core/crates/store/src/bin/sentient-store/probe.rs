//! `sentient-store probe KIND`: says of each input what a codec reads in it, so that a test can ask both twins about the same
//! bytes. Inputs come as a length (u32, little-endian) and the bytes; so do answers: JSON, empty for what is refused.

use std::ffi::OsString;
use std::io::{BufReader, BufWriter, Read, Write};
use std::process::ExitCode;

use sentient_store::error::{Result, StoreError};
use sentient_store::probe::{kinds, shown};

/// No input is longer: what a test makes is small.
const INPUT_BYTES_MAX: u32 = 64 << 20;

pub fn run(arguments: &[OsString]) -> Result<ExitCode> {
    let kind = match arguments {
        [kind] => kind.to_string_lossy().into_owned(),
        _ => String::new(),
    };
    if !kinds().contains(&kind.as_str()) {
        return Err(StoreError::new("USAGE").expected(kinds().join(", ")).found(kind));
    }
    let broken = |error: std::io::Error| StoreError::new("IO").found(error.to_string());
    let mut input = BufReader::with_capacity(1 << 20, std::io::stdin().lock());
    let mut output = BufWriter::new(std::io::stdout().lock());
    let mut head = [0; 4];
    let mut bytes = Vec::new();
    loop {
        // Who waits for answers gets them before the next input is waited for.
        if input.buffer().is_empty() {
            output.flush().map_err(broken)?;
        }
        match input.read_exact(&mut head) {
            Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => break,
            read => read.map_err(broken)?,
        }
        let length = u32::from_le_bytes(head);
        if length > INPUT_BYTES_MAX {
            return Err(StoreError::new("LIMIT").found(length.to_string()));
        }
        bytes.resize(length as usize, 0);
        input.read_exact(&mut bytes).map_err(broken)?;
        let answer = shown(&kind, &bytes).unwrap_or_default();
        output.write_all(&(answer.len() as u32).to_le_bytes()).map_err(broken)?;
        output.write_all(answer.as_bytes()).map_err(broken)?;
    }
    output.flush().map_err(broken)?;
    Ok(ExitCode::SUCCESS)
}
