"""Verify a message on standard input with dkimpy and authheaders. The argument is a JSON object of TXT records by name. Prints one JSON object:
dkim, for each signature from the top whether it verifies; arc, the state of the chain; sealers, its domains from the first on; authheaders,
what that says."""
import json
import re
import sys

import authheaders
import dkim

raw = sys.stdin.buffer.read()
records = json.loads(sys.argv[1])


def dns(name, timeout=5):
    if isinstance(name, bytes):
        name = name.decode()
    value = records.get(name.rstrip("."))
    return value.encode() if value else None


def signature(i):
    d = dkim.DKIM(raw)
    try:
        ok = d.verify(idx=i, dnsfunc=dns)
    except dkim.DKIMException as e:
        return {"ok": False, "why": str(e)}
    fields = d.signature_fields
    return {"ok": ok, "domain": fields[b"d"].decode(), "algorithm": fields[b"a"].decode(), "signed": fields[b"h"].decode().lower().replace(" ", "").split(":")}


head = raw.split(b"\r\n\r\n")[0]
count = len(re.findall(rb"(?im)^DKIM-Signature:", head))
cv, results, reason = dkim.arc_verify(raw, dnsfunc=dns)
told = authheaders.authenticate_message(raw, "verifier.example", spf=False, dkim=True, arc=True, dmarc=False, dnsfunc=dns)
print(json.dumps({
    "dkim": [signature(i) for i in range(count)],
    "arc": cv.decode(),
    "reason": str(reason),
    "sealers": [r["as-domain"].decode() for r in sorted(results, key=lambda r: r["instance"])],
    "authheaders": told,
}))
