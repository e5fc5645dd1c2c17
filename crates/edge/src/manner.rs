//! How a request was made, for the conditions of policies that ask: by what kind of signature, over which version of TLS,
//! from which page.
//! Not here: whether the signature is true. Who asks for this has found out before.

use api::{Manner, Proof, ProofPlace};
use http::header;
use http::request::Parts;

use crate::evidence::{Claimed, Evidence};
use crate::trace::{Over, text_header};

/// How a request was made that this signature proved.
pub(crate) fn of(parts: &Parts, proof: Option<Proof>) -> Manner {
    let said = |name: &str| Some(text_header(parts, name)).filter(|text| !text.is_empty()).map(str::to_owned);
    Manner {
        referer: said(header::REFERER.as_str()),
        proof,
        tls: Over::tls(parts),
        // As a header alone: AWS does not look at the parameter of that name.
        content_sha256: said("x-amz-content-sha256"),
    }
}

/// The signature in a request's header or query; none if there is none.
pub(crate) fn proof_of(claimed: &Claimed) -> Option<Proof> {
    let evidence = claimed.as_ref().ok()?;
    let place = if evidence.is_presigned() { ProofPlace::Query } else { ProofPlace::Header };
    let made = match evidence {
        Evidence::V4(claim) => Some(claim.time),
        Evidence::V2(_) => None,
    };
    Some(Proof { place, made })
}

#[cfg(test)]
mod tests {
    use api::{Manner, Proof, ProofPlace};
    use http::Request;

    use super::{of, proof_of};
    use crate::evidence::find;
    use crate::trace::Over;

    const V4: &str = "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=A%2F20130524%2Fr%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-SignedHeaders=host&X-Amz-Signature=c&X-Amz-Content-Sha256=abc";
    const HEADER: &str = "AWS4-HMAC-SHA256 Credential=A/20130524/r/s3/aws4_request, SignedHeaders=host, Signature=0";

    #[test]
    fn signatures_are_told_apart() {
        let made = "2013-05-24T00:00:00Z".parse().ok();
        for (query, authorization, expected) in [
            ("", HEADER, Some((ProofPlace::Header, made))),
            (V4, "", Some((ProofPlace::Query, made))),
            ("AWSAccessKeyId=A&Expires=1&Signature=b", "", Some((ProofPlace::Query, None))),
            ("", "AWS A:b", Some((ProofPlace::Header, None))),
            ("", "", None),
        ] {
            let mut request = Request::builder().uri(format!("/b/k?{query}")).header("x-amz-date", "20130524T000000Z");
            if !authorization.is_empty() {
                request = request.header("authorization", authorization);
            }
            let claim = find(&request.body(()).unwrap().into_parts().0);
            let expected = expected.map(|(place, made)| Proof { place, made });
            assert_eq!(proof_of(&claim), expected, "{query}{authorization}");
        }
    }

    #[test]
    fn the_rest_is_in_headers_and_the_socket() {
        let parts =
            |request: http::request::Builder| request.uri(format!("/b/k?{V4}")).body(()).unwrap().into_parts().0;
        assert_eq!(of(&parts(Request::builder()), None), Manner::default());
        let request =
            Request::builder().header("Referer", "https://a/").header("X-Amz-Content-SHA256", "UNSIGNED-PAYLOAD");
        let mut full = parts(request);
        full.extensions.insert(Over(Some("1.3")));
        let expected = Manner {
            referer: Some("https://a/".to_owned()),
            proof: None,
            tls: Some("1.3"),
            content_sha256: Some("UNSIGNED-PAYLOAD".to_owned()),
        };
        assert_eq!(of(&full, None), expected);
    }
}
