"""Makes the golden files of this folder: `pip install signxml`, then run it here. Each run makes other keys.

signxml canonicalises with libxml2 and signs with OpenSSL: nothing of Welkin has a part in these files.
"""

import datetime
import pathlib

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID
from lxml import etree
from signxml import XMLSigner
from signxml.algorithms import CanonicalizationMethod, DigestAlgorithm, SignatureMethod

RESPONSE = """<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" ID="_r1" Version="2.0"
    IssueInstant="2026-11-21T08:00:00Z" Destination="https://signin.aws.amazon.com/saml">
  <saml:Issuer xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion">https://idp.example/saml</saml:Issuer>
  <samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/></samlp:Status>
  <saml:Assertion xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" xmlns:xs="http://www.w3.org/2001/XMLSchema"
      ID="_a1" Version="2.0" IssueInstant="2026-11-21T08:00:00Z">
    <saml:Issuer>https://idp.example/saml</saml:Issuer>
    <saml:Subject>
      <saml:NameID Format="urn:oasis:names:tc:SAML:2.0:nameid-format:persistent">ann&amp;co</saml:NameID>
      <saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer">
        <saml:SubjectConfirmationData NotOnOrAfter="2026-11-21T08:05:00Z"
            Recipient="https://signin.aws.amazon.com/saml"/>
      </saml:SubjectConfirmation>
    </saml:Subject>
    <saml:Conditions NotBefore="2026-11-21T07:59:00Z" NotOnOrAfter="2026-11-21T09:00:00Z">
      <saml:AudienceRestriction><saml:Audience>urn:amazon:webservices</saml:Audience></saml:AudienceRestriction>
    </saml:Conditions>
    <saml:AuthnStatement AuthnInstant="2026-11-21T08:00:00Z" SessionNotOnOrAfter="2026-11-21T08:40:00Z"/>
    <saml:AttributeStatement>
      <saml:Attribute Name="https://aws.amazon.com/SAML/Attributes/Role">
        <saml:AttributeValue xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="xs:string"
          >arn:aws:iam::111111111111:role/Fed,arn:aws:iam::111111111111:saml-provider/Idp</saml:AttributeValue>
      </saml:Attribute>
      <saml:Attribute Name="https://aws.amazon.com/SAML/Attributes/RoleSessionName">
        <saml:AttributeValue>ann@example.com</saml:AttributeValue>
      </saml:Attribute>
      <saml:Attribute Name="https://aws.amazon.com/SAML/Attributes/PrincipalTag:Team">
        <saml:AttributeValue>blue</saml:AttributeValue>
      </saml:Attribute>
      <saml:Attribute Name="https://aws.amazon.com/SAML/Attributes/TransitiveTagKeys">
        <saml:AttributeValue>Team</saml:AttributeValue>
      </saml:Attribute>
      <saml:Attribute Name="https://aws.amazon.com/SAML/Attributes/SourceIdentity">
        <saml:AttributeValue>ann</saml:AttributeValue>
      </saml:Attribute>
      <saml:Attribute Name="urn:oid:1.3.6.1.4.1.5923.1.1.1.1">
        <saml:AttributeValue>staff</saml:AttributeValue><saml:AttributeValue>member</saml:AttributeValue>
      </saml:Attribute>
    </saml:AttributeStatement>
  </saml:Assertion>
</samlp:Response>"""

METADATA = """<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" entityID="https://idp.example/saml">
  <md:IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">
    <md:KeyDescriptor use="signing">
      <ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:X509Data>{}</ds:X509Data></ds:KeyInfo>
    </md:KeyDescriptor>
    <md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="https://idp.example/sso"/>
  </md:IDPSSODescriptor>
</md:EntityDescriptor>"""

DSIG = "{http://www.w3.org/2000/09/xmldsig#}"
SAML = "{urn:oasis:names:tc:SAML:2.0:assertion}"


def certify(key):
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "idp.example")])
    start = datetime.datetime(2026, 1, 1)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(start).not_valid_after(start.replace(year=2036))
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()


def sign(root, identifier, key, certificate, method):
    """Signs the element with this id; its signature goes behind its issuer, where SAML's schema wants it."""
    [element] = root.xpath(f"//*[@ID='{identifier}']")
    signer = XMLSigner(
        signature_algorithm=method,
        digest_algorithm=DigestAlgorithm.SHA256,
        c14n_algorithm=CanonicalizationMethod.EXCLUSIVE_XML_CANONICALIZATION_1_0,
    )
    placeholder = etree.Element(DSIG + "Signature", Id="placeholder", nsmap={"ds": DSIG[1:-1]})
    element.insert(1, placeholder)
    signed = signer.sign(element, key=key, cert=certificate, reference_uri=identifier, id_attribute="ID")
    if element.getparent() is None:
        return signed
    element.getparent().replace(element, signed)
    return root


def main():
    folder = pathlib.Path(__file__).parent
    certificates = []
    keys = {
        "rsa": (rsa.generate_private_key(65537, 2048), SignatureMethod.RSA_SHA256),
        "ec": (ec.generate_private_key(ec.SECP256R1()), SignatureMethod.ECDSA_SHA256),
    }
    for name, (key, method) in keys.items():
        certificate = certify(key)
        certificates.append("".join(certificate.split("\n")[1:-2]))
        for what, identifiers in [("assertion", ["_a1"]), ("response", ["_r1"]), ("both", ["_a1", "_r1"])]:
            root = etree.fromstring(RESPONSE)
            for identifier in identifiers:
                root = sign(root, identifier, key, certificate, method)
            (folder / f"{name}-{what}.xml").write_bytes(etree.tostring(root))
    within = "".join(f"<ds:X509Certificate>{one}</ds:X509Certificate>" for one in certificates)
    (folder / "metadata.xml").write_text(METADATA.format(within))


main()
