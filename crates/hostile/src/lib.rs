//! What must hold whatever bytes come: one check for each of our decoders, with more to it than "no panic".
//!
//! A check takes any bytes and panics when its claim does not hold. `make fuzz` searches for such bytes, and the test
//! `corpora` runs every input that a search found worth keeping, in `fuzz/corpus`.
//! Not here: the search itself, which is `fuzz/`, outside of the workspace because it is built with other flags.
#![forbid(unsafe_code)]

mod bodies;
mod chunked;
mod forms;
mod frames;
mod guest;
mod identity;
mod input;
mod policies;
mod rest;
mod schema;
mod segments;
mod signatures;
mod state;
mod structured;
mod text;
mod value;

/// A decoder and what is claimed of it.
#[derive(Debug)]
pub struct Target {
    /// The name: that of the folder of its corpus.
    pub name: &'static str,
    /// What holds for all bytes.
    pub claim: &'static str,
    /// Panics if it does not hold for these.
    pub check: fn(&[u8]),
}

/// Every target, by name.
pub const TARGETS: &[Target] = &[
    Target {
        name: "aws-chunked",
        claim: "an upload decodes alike however it is cut into pieces, to no more bytes than came",
        check: chunked::decoding,
    },
    Target {
        name: "aws-chunked-signed",
        claim: "a signed upload decodes to what was signed, and not at all once a byte of it has changed",
        check: chunked::signing,
    },
    Target {
        name: "blob-file",
        claim: "a blob's file that has changed gives the bytes that were written, or an error",
        check: state::blob_file,
    },
    Target { name: "cbor", claim: "as xml", check: structured::cbor },
    Target {
        name: "dhcp",
        claim: "a guest is given its own address or none, in a packet that can be read",
        check: guest::dhcp,
    },
    Target {
        name: "dns",
        claim: "a guest is answered what it asked, under the id of its question, in a message that can be read",
        check: guest::dns,
    },
    Target {
        name: "ec2-form",
        claim: "a form means the same in any order, and what it decodes to encodes to a form that means the same",
        check: forms::ec2,
    },
    Target { name: "ec2-record", claim: "as record, of EC2's tables", check: state::ec2_record },
    Target {
        name: "event-message",
        claim: "a message that can be read is written as one that reads the same, and no part of it is a message",
        check: frames::messages,
    },
    Target {
        name: "gzip",
        claim: "a compressed body becomes no more bytes than it may, and what was compressed comes back whole",
        check: bodies::gzip,
    },
    Target { name: "json", claim: "as xml", check: structured::json },
    Target {
        name: "jwt",
        claim: "a token that is signed is not signed any more once a byte of it has changed, and what nobody signed is not",
        check: identity::tokens,
    },
    Target {
        name: "metadata",
        claim: "without a token of ours the metadata service gives nothing but a token",
        check: guest::metadata,
    },
    Target {
        name: "multipart",
        claim: "a form is taken apart alike however it is cut into pieces, into no more bytes than came",
        check: frames::forms,
    },
    Target {
        name: "pem",
        claim: "a certificate that can be read is the same once its bytes are written again, and two are not one",
        check: identity::certificates,
    },
    Target {
        name: "percent",
        claim: "what decodes encodes to what decodes alike, and is no longer than what came",
        check: text::percent,
    },
    Target {
        name: "policy",
        claim: "a document that can be read is printed as one that decides alike, and nothing is allowed beside a Deny of all",
        check: policies::documents,
    },
    Target {
        name: "post-policy",
        claim: "a form is allowed in whatever order fields and conditions come, and with no field that its policy does not \
                speak of",
        check: bodies::post_policy,
    },
    Target {
        name: "protocol",
        claim: "a service is addressed in a protocol that it speaks, in whatever order the headers come",
        check: structured::protocol,
    },
    Target {
        name: "query-form",
        claim: "as ec2-form, over a schema with maps, unions, wrapped and flattened lists, and recursion",
        check: forms::query,
    },
    Target {
        name: "record",
        claim: "a row that can be read is written as a row that reads the same",
        check: state::record,
    },
    Target { name: "rest-json", claim: "as xml", check: structured::rest_json },
    Target {
        name: "s3-request",
        claim: "a request has one operation, with labels that are in its path, and an input that fits its schema",
        check: rest::s3,
    },
    Target {
        name: "saml",
        claim: "no document is believed that the provider did not sign, whatever it says",
        check: identity::assertions,
    },
    Target { name: "scalar", claim: "a scalar is written as text that reads the same", check: text::scalar },
    Target {
        name: "segment-file",
        claim: "a segment that has changed gives each blob's bytes or an error, which a scrub finds, and what is written to it \
                after a crash harms nothing",
        check: segments::segment_file,
    },
    Target {
        name: "sigv2",
        claim: "as sigv4-request, for the parts that version 2 covers",
        check: signatures::version_2,
    },
    Target {
        name: "sigv4-claim",
        claim: "what a request claims does not depend on the order of its headers",
        check: signatures::claim,
    },
    Target {
        name: "sigv4-presigned",
        claim: "as sigv4-request, with the claim in the query",
        check: signatures::presigned,
    },
    Target {
        name: "sigv4-request",
        claim: "a signature holds for the request that was signed in any order of headers and query, and for no other",
        check: signatures::request,
    },
    Target {
        name: "xml",
        claim: "a document that decodes is encoded as one that decodes the same, within the bounds of depth and number",
        check: structured::xml,
    },
];
