//! AWS's names as Rust's.

/// Words that AWS spells in a way that would fall apart.
const WORDS: [(&str, &str); 6] =
    [("IPv4", "Ipv4"), ("IPv6", "Ipv6"), ("VPCs", "Vpcs"), ("IDs", "Ids"), ("IPs", "Ips"), ("ARNs", "Arns")];

/// `VpcIds` → `vpc_ids`, `ETag` → `e_tag`, `ChecksumCRC32C` → `checksum_crc32_c`.
pub fn snake(name: &str) -> String {
    let name = WORDS.iter().fold(name.to_owned(), |name, (from, to)| name.replace(from, to));
    let characters: Vec<char> = name.chars().collect();
    let mut snake = String::new();
    for (index, character) in characters.iter().enumerate() {
        let previous = index.checked_sub(1).and_then(|index| characters.get(index));
        let next = characters.get(index + 1);
        if !character.is_ascii_alphanumeric() {
            if !snake.ends_with('_') {
                snake.push('_');
            }
            continue;
        }
        let starts_word = character.is_ascii_uppercase()
            && previous.is_some_and(|previous| {
                previous.is_ascii_lowercase()
                    || previous.is_ascii_digit()
                    || previous.is_ascii_uppercase() && next.is_some_and(char::is_ascii_lowercase)
            });
        if starts_word && !snake.ends_with('_') {
            snake.push('_');
        }
        snake.push(character.to_ascii_lowercase());
    }
    snake
}

/// The name of a field or method.
pub fn field(name: &str) -> String {
    const KEYWORDS: [&str; 45] = [
        "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "do", "dyn", "else", "enum",
        "extern", "false", "final", "fn", "for", "gen", "if", "impl", "in", "let", "loop", "macro", "match", "mod",
        "move", "mut", "override", "priv", "pub", "ref", "return", "static", "struct", "trait", "true", "try", "type",
        "typeof", "unsafe", "use", "where", "while",
    ];
    let snake = snake(name);
    match snake.as_str() {
        "self" | "super" | "crate" | "_" => format!("{snake}_"),
        _ if KEYWORDS.contains(&snake.as_str()) => format!("r#{snake}"),
        _ => snake,
    }
}

/// The name of a static.
pub fn screaming(name: &str) -> String {
    snake(name).to_ascii_uppercase()
}

/// The name of a type: AWS's, with a capital.
pub fn type_name(name: &str) -> String {
    let mut characters = name.chars();
    characters.next().map_or_else(String::new, |first| first.to_ascii_uppercase().to_string() + characters.as_str())
}

#[cfg(test)]
mod tests {
    use super::{field, snake};

    #[test]
    fn names_fall_into_words() {
        let rows = [
            ("ImageId", "image_id"),
            ("ETag", "e_tag"),
            ("SSEKMSKeyId", "ssekms_key_id"),
            ("VpcIds", "vpc_ids"),
            ("IPv6CidrBlock", "ipv6_cidr_block"),
            ("ContentMD5", "content_md5"),
            ("ChecksumCRC32C", "checksum_crc32_c"),
            ("eventId", "event_id"),
            ("S3Key", "s3_key"),
            ("x-amz-Data-Length", "x_amz_data_length"),
        ];
        for (name, expected) in rows {
            assert_eq!(snake(name), expected);
        }
        assert_eq!(field("Type"), "r#type");
        assert_eq!(field("Self"), "self_");
    }
}
