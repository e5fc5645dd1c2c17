//! What this machine could do at most: bytes to the disk, with the flushing that durability takes; MD5 on one core; bytes
//! between two sockets.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use blobs::Hashers;

use super::client::block;

/// Bytes a second to a file that is flushed at its end.
///
/// # Errors
/// The disk's.
pub fn disk(folder: &Path, bytes: u64) -> Result<f64> {
    let (path, block) = (folder.join("limit"), block());
    let begun = Instant::now();
    let mut file = File::create(&path).with_context(|| path.display().to_string())?;
    let mut left = bytes;
    while left > 0 {
        let count = left.min(block.len() as u64) as usize;
        file.write_all(&block[..count])?;
        left -= count as u64;
    }
    file.sync_data()?;
    let elapsed = begun.elapsed();
    fs::remove_file(&path)?;
    Ok(bytes as f64 / elapsed.as_secs_f64())
}

/// Flushes a second, each after a write of so many bytes at the end of a file.
///
/// # Errors
/// The disk's.
pub fn flushes(folder: &Path, bytes: usize, time: Duration) -> Result<f64> {
    let (path, block) = (folder.join("limit"), block());
    let mut file = File::create(&path).with_context(|| path.display().to_string())?;
    let (begun, mut count) = (Instant::now(), 0);
    while begun.elapsed() < time {
        file.write_all(&block[..bytes])?;
        file.sync_data()?;
        count += 1;
    }
    let elapsed = begun.elapsed();
    fs::remove_file(&path)?;
    Ok(f64::from(count) / elapsed.as_secs_f64())
}

/// Bytes a second that one core hashes with MD5.
pub fn md5(bytes: u64) -> f64 {
    let block = block();
    let begun = Instant::now();
    let mut hashers = Hashers::new(&[]);
    let mut left = bytes;
    while left > 0 {
        hashers.update(&block);
        left = left.saturating_sub(block.len() as u64);
    }
    std::hint::black_box(hashers.finish());
    bytes as f64 / begun.elapsed().as_secs_f64()
}

/// Bytes a second from one socket of this machine to another, each on a thread of its own.
///
/// # Errors
/// The kernel's.
pub fn loopback(bytes: u64) -> Result<f64> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let address = listener.local_addr()?;
    let block = block();
    let size = block.len();
    let begun = Instant::now();
    let sender = std::thread::spawn(move || -> std::io::Result<()> {
        let (mut stream, _) = listener.accept()?;
        let mut left = bytes;
        while left > 0 {
            let count = left.min(block.len() as u64) as usize;
            stream.write_all(&block[..count])?;
            left -= count as u64;
        }
        Ok(())
    });
    let mut stream = TcpStream::connect(address)?;
    let (mut buffer, mut got) = (vec![0; size], 0);
    while got < bytes {
        match stream.read(&mut buffer)? {
            0 => break,
            count => got += count as u64,
        }
    }
    let elapsed = begun.elapsed();
    sender.join().map_err(|_| anyhow::anyhow!("the sender panicked"))??;
    Ok(got as f64 / elapsed.as_secs_f64())
}
