//! Compressed forms that Java does not write and other clients do.

use std::io::Write;

use bytes::Bytes;
use lz4_flex::frame::{BlockMode, BlockSize, FrameEncoder, FrameInfo};

use crate::records::{Compression, Decompressor};

fn contents(size: usize) -> Vec<u8> {
    (0..size).map(|i| if i % 5000 < 3000 { (i % 251) as u8 } else { (i / 13 * 31) as u8 }).collect()
}

fn decompress(codec: Compression, bytes: &[u8]) -> crate::Result<Bytes> {
    Decompressor::new(8 << 20).decompress(codec, &Bytes::copy_from_slice(bytes))
}

fn lz4(contents: &[u8], info: FrameInfo) -> Vec<u8> {
    let mut encoder = FrameEncoder::with_frame_info(info, Vec::new());
    encoder.write_all(contents).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn lz4_frames_with_linked_blocks_checksums_and_sizes_are_read() {
    for size in [0usize, 1, 65_536, 65_537, 150_000] {
        let contents = contents(size);
        for mode in [BlockMode::Linked, BlockMode::Independent] {
            for block in [BlockSize::Max64KB, BlockSize::Max4MB] {
                for checks in 0..8 {
                    let info = FrameInfo::new()
                        .block_mode(mode)
                        .block_size(block)
                        .block_checksums(checks & 1 != 0)
                        .content_checksum(checks & 2 != 0)
                        .content_size((checks & 4 != 0).then_some(size as u64));
                    let frame = lz4(&contents, info);
                    let read = decompress(Compression::Lz4, &frame).unwrap();
                    assert!(read == contents, "{size} bytes, {mode:?}, {block:?}, checks {checks}");
                }
            }
        }
    }
}

#[test]
fn lz4_checksums_are_compared() {
    let info = FrameInfo::new().block_checksums(true).content_checksum(true).content_size(Some(1000));
    let frame = lz4(&contents(1000), info);
    for at in 0..frame.len() {
        let mut damaged = frame.clone();
        damaged[at] ^= 1;
        assert!(decompress(Compression::Lz4, &damaged).is_err(), "byte {at}");
    }
}

#[test]
fn lz4_frames_in_a_row_are_read() {
    let mut frames = lz4(&contents(70_000), FrameInfo::new());
    frames.extend(lz4(&contents(10), FrameInfo::new()));
    let expected = [contents(70_000), contents(10)].concat();
    assert!(decompress(Compression::Lz4, &frames).unwrap() == expected);
}

#[test]
fn bare_snappy_is_read() {
    let contents = contents(100_000);
    let bare = snap::raw::Encoder::new().compress_vec(&contents).unwrap();
    assert!(decompress(Compression::Snappy, &bare).unwrap() == contents);
}

#[test]
fn snappy_streams_in_a_row_are_read() {
    let mut stream = Vec::new();
    for part in [contents(10), contents(5000)] {
        stream.extend_from_slice(&[0x82, b'S', b'N', b'A', b'P', b'P', b'Y', 0, 0, 0, 0, 1, 0, 0, 0, 1]);
        let block = snap::raw::Encoder::new().compress_vec(&part).unwrap();
        stream.extend_from_slice(&(block.len() as u32).to_be_bytes());
        stream.extend_from_slice(&block);
    }
    assert!(decompress(Compression::Snappy, &stream).unwrap() == [contents(10), contents(5000)].concat());
}

#[test]
fn gzip_headers_with_every_field_are_read() {
    let contents = contents(100_000);
    let mut encoder = flate2::GzBuilder::new()
        .filename("name")
        .comment("comment")
        .extra(b"extra".to_vec())
        .mtime(1)
        .write(Vec::new(), flate2::Compression::default());
    encoder.write_all(&contents).unwrap();
    let mut members = encoder.finish().unwrap();
    assert!(decompress(Compression::Gzip, &members).unwrap() == contents);

    let mut second = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    second.write_all(b"second member").unwrap();
    members.extend(second.finish().unwrap());
    assert!(decompress(Compression::Gzip, &members).unwrap() == [&contents[..], b"second member"].concat());
}

#[test]
fn gzip_trailers_are_compared() {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(&contents(1000)).unwrap();
    let member = encoder.finish().unwrap();
    for at in member.len() - 8..member.len() {
        let mut damaged = member.clone();
        damaged[at] ^= 1;
        assert!(decompress(Compression::Gzip, &damaged).is_err(), "byte {at}");
    }
}

#[test]
fn zstd_frames_in_a_row_are_read_and_their_checksums_compared() {
    use structured_zstd::encoding::{CompressionLevel, FrameCompressor};
    let mut compressor: FrameCompressor = FrameCompressor::new(CompressionLevel::Default);
    compressor.set_content_checksum(true);
    let mut frames = compressor.compress_independent_frame(&contents(300_000));
    let first = frames.len();
    frames.extend(compressor.compress_independent_frame(&contents(50_000)));
    let expected = [contents(300_000), contents(50_000)].concat();
    assert!(decompress(Compression::Zstd, &frames).unwrap() == expected);
    frames[first - 1] ^= 1;
    assert!(decompress(Compression::Zstd, &frames).is_err());
}

#[test]
fn zstd_frames_without_a_size_are_read_however_far_they_expand() {
    use structured_zstd::encoding::{CompressionLevel, FrameCompressor};
    let mut compressor: FrameCompressor = FrameCompressor::new(CompressionLevel::Default);
    compressor.set_content_size_flag(false);
    let mut decompressor = Decompressor::new(8 << 20);
    for contents in [contents(10), vec![7; 5 << 20], contents(400_000), Vec::new(), vec![7; 8 << 20]] {
        let frame = Bytes::from(compressor.compress_independent_frame(&contents));
        assert!(decompressor.decompress(Compression::Zstd, &frame).unwrap() == contents);
    }
    let frame = Bytes::from(compressor.compress_independent_frame(&vec![7; (8 << 20) + 1]));
    assert!(decompressor.decompress(Compression::Zstd, &frame).is_err());
}
