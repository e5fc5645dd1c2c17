//! The schema of one shape: what AWS's model says of it, as plain data.
//!
//! Everything a protocol needs is precomputed into each [`Member`], so that encoders and decoders never consult a
//! model. Not here: documentation; how constraints are checked, which is in `rules`.

use std::ops::Deref;
use std::sync::OnceLock;

use crate::rules::Rule;

/// A named shape of a service's model.
#[derive(Debug)]
pub struct Shape {
    /// The name in AWS's model, such as `RunInstancesRequest`.
    pub name: &'static str,
    /// What it is made of.
    pub kind: Kind,
    /// What else is said of its values, for services that are checked.
    pub rule: Option<&'static Rule>,
    /// An element that it does not know makes a document of it unreadable. Otherwise such are passed over.
    pub is_closed: bool,
}

/// What a shape is made of.
#[derive(Debug)]
pub enum Kind {
    /// `true` or `false`.
    Boolean,
    /// 32 bits, signed.
    Integer,
    /// 64 bits, signed.
    Long,
    /// A single-precision number.
    Float,
    /// A double-precision number.
    Double,
    /// Text; enums too, as AWS adds values to them at will.
    String,
    /// A point in time, in the given format or else in the one the protocol and place imply.
    Timestamp(Option<TimestampFormat>),
    /// Bytes.
    Blob,
    /// A structure, or a union (a structure with exactly one member set).
    Structure {
        /// In the model's order; a [`crate::Value::Structure`] refers to them by position.
        members: &'static [Member],
        /// Exactly one member is set.
        is_union: bool,
    },
    /// A list.
    List {
        /// What it holds.
        member: ShapeRef,
        /// The model's name for one element (`item`), where it gives one.
        member_name: Option<&'static str>,
    },
    /// A map from strings.
    Map {
        /// What it holds.
        value: ShapeRef,
        /// The model's name for a key, where it gives one.
        key_name: Option<&'static str>,
        /// The model's name for a value, where it gives one.
        value_name: Option<&'static str>,
    },
    /// Any JSON-like document.
    Document,
}

/// How a timestamp is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimestampFormat {
    /// `2026-11-21T08:00:00.000Z`
    Iso8601,
    /// `Sat, 21 Nov 2026 08:00:00 GMT`
    HttpDate,
    /// Seconds since 1970, with a fraction if need be.
    Unix,
}

/// Where in an HTTP message a member travels. Only the REST protocols read it; for the others all is body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Location {
    /// In the body.
    Body,
    /// A label of the path.
    Uri,
    /// A query parameter, or for a map all of them.
    Query,
    /// One header.
    Header,
    /// All headers that begin with the member's wire name, as a map.
    Headers,
    /// The status code of the answer.
    StatusCode,
}

/// An XML namespace a member declares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct XmlNamespace {
    /// Its name.
    pub uri: &'static str,
    /// The prefix it is bound to, none for the default namespace.
    pub prefix: Option<&'static str>,
}

/// One member of a structure.
#[derive(Debug)]
pub struct Member {
    /// The name in AWS's model.
    pub name: &'static str,
    /// The name in XML, JSON, a header, the query string or the path; the model's `locationName`, else `name`.
    pub wire_name: &'static str,
    /// The name in an `ec2` or `query` form body.
    pub query_name: &'static str,
    /// The name in JSON and CBOR, where it differs from XML's: SQS, which had other names in its XML days.
    pub json_name: &'static str,
    /// Where it travels.
    pub location: Location,
    /// It is the whole body.
    pub is_payload: bool,
    /// It is a byte stream beside the [`crate::Value`] tree.
    pub is_streaming: bool,
    /// A request without it is refused.
    pub is_required: bool,
    /// Where it is required and not there, the rules say so ([`crate::call_checked`]), and not whoever decodes.
    pub is_checked: bool,
    /// A list or map whose elements stand beside each other without a wrapper.
    pub is_flattened: bool,
    /// It is an XML attribute of its structure's element.
    pub is_attribute: bool,
    /// Clients fill it in to make a retry harmless.
    pub is_idempotency_token: bool,
    /// It must not appear in logs.
    pub is_sensitive: bool,
    /// It stands in the host name too, where the operation has a prefix for it.
    pub is_host_label: bool,
    /// The XML namespace its element declares.
    pub namespace: Option<XmlNamespace>,
    /// How it is written, if it is a timestamp and the member overrules its shape.
    pub timestamp_format: Option<TimestampFormat>,
    /// What it is.
    pub shape: ShapeRef,
}

/// A reference to a shape: at once, or (for recursive schemas built at run time) to be set before first use.
#[derive(Debug, Clone, Copy)]
pub enum ShapeRef {
    /// A shape that exists already.
    Now(&'static Shape),
    /// A shape that will be set before the schema is used.
    Late(&'static OnceLock<Shape>),
}

impl Deref for ShapeRef {
    type Target = Shape;

    fn deref(&self) -> &Shape {
        match self {
            Self::Now(shape) => shape,
            Self::Late(cell) => cell.get().expect("whoever builds a schema sets its late shapes before using it"),
        }
    }
}

impl Shape {
    /// A shape of `kind` named `name`.
    pub const fn new(name: &'static str, kind: Kind) -> Self {
        Self { name, kind, rule: None, is_closed: false }
    }

    /// The same shape, which takes no element that it does not know.
    #[must_use]
    pub const fn closed(self) -> Self {
        Self { is_closed: true, ..self }
    }

    /// A structure of `members`.
    pub const fn structure(name: &'static str, members: &'static [Member]) -> Self {
        Self::new(name, Kind::Structure { members, is_union: false })
    }

    /// A union of `members`.
    pub const fn union(name: &'static str, members: &'static [Member]) -> Self {
        Self::new(name, Kind::Structure { members, is_union: true })
    }

    /// A list of `member`, whose elements the model names `member_name`.
    pub const fn list(name: &'static str, member: &'static Shape, member_name: Option<&'static str>) -> Self {
        Self::new(name, Kind::List { member: ShapeRef::Now(member), member_name })
    }

    /// A map from strings to `value`.
    pub const fn map(
        name: &'static str,
        value: &'static Shape,
        key_name: Option<&'static str>,
        value_name: Option<&'static str>,
    ) -> Self {
        Self::new(name, Kind::Map { value: ShapeRef::Now(value), key_name, value_name })
    }

    /// With this rule.
    #[must_use]
    pub const fn ruled(mut self, rule: &'static Rule) -> Self {
        self.rule = Some(rule);
        self
    }

    /// The members, if it is a structure; else none.
    pub fn members(&self) -> &'static [Member] {
        match self.kind {
            Kind::Structure { members, .. } => members,
            _ => &[],
        }
    }
}

impl Member {
    /// An optional member in the body, called `name` everywhere.
    pub const fn new(name: &'static str, shape: &'static Shape) -> Self {
        Self {
            name,
            wire_name: name,
            query_name: name,
            json_name: name,
            location: Location::Body,
            is_payload: false,
            is_streaming: false,
            is_required: false,
            is_checked: false,
            is_flattened: false,
            is_attribute: false,
            is_idempotency_token: false,
            is_sensitive: false,
            is_host_label: false,
            namespace: None,
            timestamp_format: None,
            shape: ShapeRef::Now(shape),
        }
    }

    /// Called `name` in XML, JSON and HTTP bindings, and in form bodies too unless [`Member::query`] follows.
    pub const fn wire(mut self, name: &'static str) -> Self {
        self.wire_name = name;
        self.query_name = name;
        self.json_name = name;
        self
    }

    /// Called `name` in JSON and CBOR, unlike in XML.
    pub const fn json(mut self, name: &'static str) -> Self {
        self.json_name = name;
        self
    }

    /// Called `name` in form bodies.
    pub const fn query(mut self, name: &'static str) -> Self {
        self.query_name = name;
        self
    }

    /// Travels at `location`.
    pub const fn at(mut self, location: Location) -> Self {
        self.location = location;
        self
    }

    /// Is the whole body.
    pub const fn payload(mut self) -> Self {
        self.is_payload = true;
        self
    }

    /// Is a byte stream.
    pub const fn streaming(mut self) -> Self {
        self.is_streaming = true;
        self
    }

    /// Must be there.
    pub const fn required(mut self) -> Self {
        self.is_required = true;
        self
    }

    /// Is missed by the rules.
    pub const fn checked(mut self) -> Self {
        self.is_checked = true;
        self
    }

    /// Whether whoever decodes a request refuses one without it.
    pub fn must_be_decoded(&self) -> bool {
        self.is_required && !self.is_checked
    }

    /// Has no wrapper around its elements.
    pub const fn flattened(mut self) -> Self {
        self.is_flattened = true;
        self
    }

    /// Is an XML attribute.
    pub const fn attribute(mut self) -> Self {
        self.is_attribute = true;
        self
    }

    /// Is an idempotency token.
    pub const fn token(mut self) -> Self {
        self.is_idempotency_token = true;
        self
    }

    /// Must not be logged.
    pub const fn sensitive(mut self) -> Self {
        self.is_sensitive = true;
        self
    }

    /// Stands in the host name too.
    pub const fn host_label(mut self) -> Self {
        self.is_host_label = true;
        self
    }

    /// Declares an XML namespace.
    pub const fn namespace(mut self, uri: &'static str, prefix: Option<&'static str>) -> Self {
        self.namespace = Some(XmlNamespace { uri, prefix });
        self
    }

    /// Is written in `format`.
    pub const fn timestamp(mut self, format: TimestampFormat) -> Self {
        self.timestamp_format = Some(format);
        self
    }
}

/// The scalar shapes, which need no names of their own.
pub mod scalars {
    use super::{Kind, Shape, TimestampFormat};

    /// A boolean.
    pub static BOOLEAN: Shape = Shape::new("Boolean", Kind::Boolean);
    /// An integer.
    pub static INTEGER: Shape = Shape::new("Integer", Kind::Integer);
    /// A long.
    pub static LONG: Shape = Shape::new("Long", Kind::Long);
    /// A float.
    pub static FLOAT: Shape = Shape::new("Float", Kind::Float);
    /// A double.
    pub static DOUBLE: Shape = Shape::new("Double", Kind::Double);
    /// A string.
    pub static STRING: Shape = Shape::new("String", Kind::String);
    /// Bytes.
    pub static BLOB: Shape = Shape::new("Blob", Kind::Blob);
    /// A document.
    pub static DOCUMENT: Shape = Shape::new("Document", Kind::Document);
    /// A timestamp in the format the protocol implies.
    pub static TIMESTAMP: Shape = Shape::new("Timestamp", Kind::Timestamp(None));
    /// A timestamp in ISO 8601.
    pub static TIMESTAMP_ISO8601: Shape = Shape::new("Timestamp", Kind::Timestamp(Some(TimestampFormat::Iso8601)));
    /// A timestamp as HTTP writes dates.
    pub static TIMESTAMP_HTTP_DATE: Shape = Shape::new("Timestamp", Kind::Timestamp(Some(TimestampFormat::HttpDate)));
    /// A timestamp in seconds since 1970.
    pub static TIMESTAMP_UNIX: Shape = Shape::new("Timestamp", Kind::Timestamp(Some(TimestampFormat::Unix)));
}
