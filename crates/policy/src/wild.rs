//! Comparing a text with bytes among which some are wildcards.
//! Not here: which wildcards a policy's text has where; that is `pattern`'s.

// UTF-8 has no such bytes, so a pattern is plain bytes with these among them.
/// Any text.
pub(crate) const STAR: u8 = 0xFF;
/// Any text within a part of an ARN.
pub(crate) const STAR_IN_PART: u8 = 0xFE;
/// One character.
pub(crate) const ONE: u8 = 0xFD;
/// One character within a part of an ARN.
pub(crate) const ONE_IN_PART: u8 = 0xFC;

/// Whether a byte of a pattern is a wildcard.
pub(crate) fn is_wild(byte: u8) -> bool {
    byte >= ONE_IN_PART
}

/// Whether bytes with wildcards match a text. What policies really say is decided in about as many steps as both are
/// long; what was made to take their lengths' product takes a sixty-fourth of that.
pub(crate) fn matches(pattern: &[u8], text: &[u8]) -> bool {
    quick(pattern, text).unwrap_or_else(|| thorough(pattern, text))
}

/// Where to go on when a comparison fails: behind a star that takes one byte more.
#[derive(Clone, Copy)]
struct Resume {
    pattern: usize,
    text: usize,
}

/// Whether they match: a star that may take all need never be given back what an earlier one could take, and one that
/// stays in its part only up to its end. None if that takes too long.
fn quick(pattern: &[u8], text: &[u8]) -> Option<bool> {
    let (mut p, mut t) = (0, 0);
    let mut outer: Option<Resume> = None;
    let mut inner: Option<Resume> = None;
    for _ in 0..2 * (pattern.len() + text.len()) + 64 {
        let is_same = match pattern.get(p) {
            None if t == text.len() => return Some(true),
            None => false,
            Some(&STAR) if p + 1 == pattern.len() => return Some(true),
            Some(&STAR) => {
                p += 1;
                (outer, inner) = (Some(Resume { pattern: p, text: t }), None);
                continue;
            }
            Some(&STAR_IN_PART) => {
                p += 1;
                inner = Some(Resume { pattern: p, text: t });
                continue;
            }
            Some(&wild @ (ONE | ONE_IN_PART)) => match one(&text[t..]) {
                Some(length) if wild == ONE || text[t] != b':' => {
                    t += length - 1;
                    true
                }
                _ => false,
            },
            Some(&byte) => text.get(t) == Some(&byte),
        };
        if is_same {
            (p, t) = (p + 1, t + 1);
            continue;
        }
        if let Some(resume) = inner.as_mut()
            && text.get(resume.text).is_some_and(|&byte| byte != b':')
        {
            resume.text += 1;
            (p, t) = (resume.pattern, resume.text);
        } else if let Some(resume) = outer.as_mut()
            && resume.text < text.len()
        {
            inner = None;
            resume.text += 1;
            (p, t) = (resume.pattern, resume.text);
        } else {
            return Some(false);
        }
    }
    None
}

/// The length of the character that a text begins with; none if it begins inside of one, or is empty.
fn one(text: &[u8]) -> Option<usize> {
    let length = match *text.first()? {
        0..=0x7F => 1,
        0xC0..=0xDF => 2,
        0xE0..=0xEF => 3,
        0xF0..=0xF7 => 4,
        _ => return None,
    };
    (length <= text.len()).then_some(length)
}

/// Whether they match: every place of the pattern that a comparison may have come to is followed at once, sixty-four of
/// them in a word. Source: <https://www.dcc.uchile.cl/~gnavarro/ps/spe01.pdf> (Navarro, NR-grep, 2001: bit-parallelism).
fn thorough(pattern: &[u8], text: &[u8]) -> bool {
    let places = Places::of(pattern);
    let mut at = vec![0_u64; places.words];
    at[0] = 1;
    for &byte in text {
        let class = class(byte);
        let moves = places.rows[usize::from(byte)].map(|start| &places.bytes[start..start + places.words]);
        let moves = moves.unwrap_or(&places.moves[class]);
        let (mut carried, mut any) = (0, 0);
        for ((at, moves), stays) in at.iter_mut().zip(moves).zip(&places.stays[class]) {
            let moved = *at & moves;
            *at = moved << 1 | carried | *at & stays;
            carried = moved >> 63;
            any |= *at;
        }
        if any == 0 {
            return false;
        }
    }
    at[places.last / 64] >> (places.last % 64) & 1 == 1
}

/// What wildcards make of a byte: it begins a character, is a colon, or is inside of a character.
fn class(byte: u8) -> usize {
    match byte {
        b':' => COLON,
        0x80..=0xBF => INSIDE,
        _ => BEGIN,
    }
}

const BEGIN: usize = 0;
const COLON: usize = 1;
const INSIDE: usize = 2;

/// The places of a pattern, a bit each: before each of its bytes and characters, and behind the last.
struct Places {
    words: usize,
    /// The place behind the last.
    last: usize,
    /// Where in `bytes` it stands what a byte of the pattern moves on.
    rows: [Option<usize>; 256],
    bytes: Vec<u64>,
    /// What any other byte of a class moves on.
    moves: [Vec<u64>; 3],
    /// Where one stays when a byte of a class comes.
    stays: [Vec<u64>; 3],
}

impl Places {
    fn of(pattern: &[u8]) -> Self {
        let last = pattern.iter().filter(|byte| !matches!(**byte, STAR | STAR_IN_PART)).count();
        let words = last / 64 + 1;
        let none = || [(); 3].map(|()| vec![0; words]);
        let mut places = Self { words, last, rows: [None; 256], bytes: Vec::new(), moves: none(), stays: none() };
        let mut place = 0;
        for &byte in pattern {
            let (word, bit) = (place / 64, 1 << (place % 64));
            let classes: &[usize] = match byte {
                STAR => &[BEGIN, COLON, INSIDE],
                STAR_IN_PART => &[BEGIN, INSIDE],
                ONE => &[BEGIN, COLON],
                ONE_IN_PART => &[BEGIN],
                _ => &[],
            };
            match byte {
                STAR | STAR_IN_PART => classes.iter().for_each(|class| places.stays[*class][word] |= bit),
                ONE | ONE_IN_PART => {
                    classes.iter().for_each(|class| places.moves[*class][word] |= bit);
                    place += 1;
                    // Until the character is over.
                    places.stays[INSIDE][place / 64] |= 1 << (place % 64);
                }
                _ => {
                    let row = *places.rows[usize::from(byte)].get_or_insert_with(|| {
                        let start = places.bytes.len();
                        places.bytes.resize(start + words, 0);
                        start
                    });
                    places.bytes[row + word] |= bit;
                    place += 1;
                }
            }
        }
        // A byte of the pattern is one of its class too.
        for (byte, row) in (0..=255).zip(&places.rows) {
            if let Some(row) = row {
                let own = &mut places.bytes[*row..*row + words];
                own.iter_mut().zip(&places.moves[class(byte)]).for_each(|(own, moves)| *own |= moves);
            }
        }
        places
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{Just, ProptestConfig, Strategy, prop, prop_assert_eq, prop_oneof, proptest};

    use super::{ONE, ONE_IN_PART, STAR, STAR_IN_PART, matches, one, quick, thorough};

    /// What is meant, tried in every way.
    fn means(pattern: &[u8], text: &[u8]) -> bool {
        let Some((&first, rest)) = pattern.split_first() else { return text.is_empty() };
        let next = text.first();
        match first {
            STAR | STAR_IN_PART => {
                let goes_on = next.is_some_and(|&next| first == STAR || next != b':');
                means(rest, text) || (goes_on && means(pattern, &text[1..]))
            }
            ONE | ONE_IN_PART => one(text).is_some_and(|length| {
                let is_within = first == ONE || next != Some(&b':');
                is_within && means(rest, &text[length..])
            }),
            _ => next == Some(&first) && means(rest, &text[1..]),
        }
    }

    /// As they are made: what stays in its part is in front of what does not, but for a star.
    fn pieces() -> impl Strategy<Value = Vec<u8>> {
        let with = |wild: [u8; 2]| {
            let piece = prop_oneof![
                4 => Just(vec![b'a']),
                2 => Just(vec![b':']),
                1 => Just("é".as_bytes().to_vec()),
                1 => Just("€".as_bytes().to_vec()),
                2 => Just(vec![STAR]),
                4 => prop::sample::select(wild.to_vec()).prop_map(|wild| vec![wild]),
            ];
            prop::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat())
        };
        (with([STAR_IN_PART, ONE_IN_PART]), with([STAR, ONE])).prop_map(|(first, rest)| [first, rest].concat())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4000))]

        #[test]
        fn both_ways_mean_the_same(pattern in pieces(), text in "[aé€:]{0,10}") {
            let (text, meant) = (text.as_bytes(), means(&pattern, text.as_bytes()));
            prop_assert_eq!(thorough(&pattern, text), meant);
            prop_assert_eq!(quick(&pattern, text).unwrap_or(meant), meant);
        }
    }

    /// Their places fill several words.
    #[test]
    fn long_patterns_are_followed_to_their_end() {
        let text = "a:é€".repeat(100);
        let plain = text.as_bytes();
        let one: Vec<u8> = [ONE].repeat(400);
        let bound = [ONE_IN_PART].repeat(400);
        for (pattern, expected) in [
            (plain.to_vec(), true),
            (one.clone(), true),
            ([one.as_slice(), &[ONE]].concat(), false),
            ([&[STAR], &one[..399]].concat(), true),
            ([&[STAR_IN_PART], &plain[1..]].concat(), true),
            ([&[STAR_IN_PART], &plain[2..]].concat(), false),
            ([&[STAR], &plain[200..], b"a"].concat(), false),
            (bound, false),
        ] {
            assert_eq!(thorough(&pattern, plain), expected, "{} bytes", pattern.len());
            assert_eq!(quick(&pattern, plain).unwrap_or(expected), expected, "{} bytes", pattern.len());
        }
    }

    /// A policy of such patterns, on a request with a thousand keys of such texts, kept a processor busy for minutes.
    #[test]
    fn what_was_made_to_be_slow_is_given_up_and_followed_at_once() {
        let text = "a".repeat(1024);
        for (pattern, expected) in [
            ([&[STAR], &[b'a'; 500][..], b"b"].concat(), false),
            ([&[STAR], &[b'a', ONE].repeat(250)[..], b"b"].concat(), false),
            ([&[STAR], &[b'a', ONE].repeat(250)[..], b"b", &[STAR]].concat(), false),
            ([&[STAR_IN_PART], &[b'a'; 500][..], b":"].concat(), false),
        ] {
            assert_eq!(quick(&pattern, text.as_bytes()), None);
            assert_eq!(matches(&pattern, text.as_bytes()), expected);
            let with_end = [text.as_str(), "b"].concat();
            assert_eq!(matches(&pattern, with_end.as_bytes()), pattern.contains(&b'b'));
        }
    }
}
