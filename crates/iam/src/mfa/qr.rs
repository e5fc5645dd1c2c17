//! A text as a QR code in a PNG: one bit a pixel, black on white.
//! Source: the W3C's PNG specification, <https://www.w3.org/TR/png/>.

use std::io::Write;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::ZlibEncoder;
use qrcodegen::{QrCode, QrCodeEcc};

/// Pixels a module.
const SCALE: i32 = 6;
/// White modules around the code, which readers need.
const MARGIN: i32 = 4;

/// The image; none for a text that is too long for any code (some 2,300 characters).
pub(super) fn png(text: &str) -> Option<Bytes> {
    let code = QrCode::encode_text(text, QrCodeEcc::Medium).ok()?;
    let side = (code.size() + 2 * MARGIN) * SCALE;
    let mut rows = Vec::new();
    for y in 0..side {
        // The filter of the row: none.
        rows.push(0);
        for start in (0..side).step_by(8) {
            let bits = (start..start + 8).fold(0_u8, |bits, x| {
                let is_black = x < side && code.get_module(x / SCALE - MARGIN, y / SCALE - MARGIN);
                (bits << 1) | u8::from(!is_black)
            });
            rows.push(bits);
        }
    }
    let side = u32::try_from(side).ok()?.to_be_bytes();
    let mut packed = ZlibEncoder::new(Vec::new(), Compression::default());
    packed.write_all(&rows).ok()?;
    let mut png = b"\x89PNG\r\n\x1a\n".to_vec();
    // Width, height, one bit, shades of grey, and the only methods that there are.
    let header: Vec<u8> = [&side[..], &side[..], &[1, 0, 0, 0, 0]].concat();
    for (kind, data) in [(b"IHDR", header), (b"IDAT", packed.finish().ok()?), (b"IEND", Vec::new())] {
        let mut sum = flate2::Crc::new();
        sum.update(kind);
        sum.update(&data);
        png.extend(u32::try_from(data.len()).ok()?.to_be_bytes());
        png.extend(kind);
        png.extend(data);
        png.extend(sum.sum().to_be_bytes());
    }
    Some(Bytes::from(png))
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::{MARGIN, SCALE, png};

    /// The image is unpacked again; its corners must show the squares by which readers find a code.
    #[test]
    fn the_image_holds_the_code() {
        let image = png("otpauth://totp/ann@123456789012?secret=ABC").unwrap();
        let side = u32::from_be_bytes(image[16..20].try_into().unwrap()) as usize;
        let data = &image[41..image.len() - 16];
        let mut rows = Vec::new();
        flate2::read::ZlibDecoder::new(data).read_to_end(&mut rows).unwrap();
        let width = side.div_ceil(8) + 1;
        assert_eq!(rows.len(), width * side);
        let is_black = |x: usize, y: usize| {
            let (x, y) = ((x + MARGIN as usize) * SCALE as usize, (y + MARGIN as usize) * SCALE as usize);
            rows[y * width + 1 + x / 8] & (0x80 >> (x % 8)) == 0
        };
        let modules = side / SCALE as usize - 2 * MARGIN as usize;
        for (x, y) in [(0, 0), (modules - 7, 0), (0, modules - 7)] {
            let ring: Vec<bool> = (0..7).map(|at| is_black(x + at, y + 3)).collect();
            assert_eq!(ring, [true, false, true, true, true, false, true], "{x} {y}");
        }
        assert!(png(&"a".repeat(3000)).is_none());
    }
}
