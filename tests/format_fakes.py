"""Files of every format made by hand, small enough to know what is in them."""

from __future__ import annotations

import io
import zipfile
import zlib


def archive(entries, **options):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, **options) as file:
        for name, content in entries.items():
            file.writestr(name, content)
    return buffer.getvalue()


def docx_of(xml, **parts):
    """Write a Word file whose document is `xml`; other parts by name: `numbering="<…"`."""
    import docx

    buffer = io.BytesIO()
    docx.Document().save(buffer)
    with zipfile.ZipFile(buffer) as file:
        entries = {name: file.read(name) for name in file.namelist()}
    entries["word/document.xml"] = xml.encode()
    entries |= {f"word/{name}.xml": part.encode() for name, part in parts.items()}
    return archive(entries)


def epub_of(*chapters, extra=None):
    items = "".join(f'<item id="c{n}" href="c{n}.xhtml"/>' for n in range(len(chapters)))
    spine = "".join(f'<itemref idref="c{n}"/>' for n in reversed(range(len(chapters))))
    entries = {
        "META-INF/container.xml": '<container><rootfile full-path="book/p.opf"/></container>',
        "book/p.opf": f"<package><manifest>{items}</manifest><spine>{spine}</spine></package>",
    }
    entries |= {f"book/c{n}.xhtml": chapter for n, chapter in enumerate(chapters)}
    return archive(entries | (extra or {}))


def pdf_of(*contents, trailer="", page="", catalog=""):
    """Write a PDF by hand: one page a content stream, Helvetica as `/F`."""
    kids = " ".join(f"{4 + 2 * n} 0 R" for n in range(len(contents)))
    objects = [
        f"<< /Type /Catalog /Pages 2 0 R {catalog} >>".encode(),
        f"<< /Type /Pages /Kids [{kids}] /Count {len(contents)} >>".encode(),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
    ]
    for n, content in enumerate(contents):
        packed = zlib.compress(content)
        objects.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 800] /Contents {5 + 2 * n} 0 R "
            f"/Resources << /Font << /F 3 0 R >> >> {page} >>".encode()
        )
        objects.append(
            f"<< /Length {len(packed)} /Filter /FlateDecode >>\nstream\n".encode()
            + packed
            + b"\nendstream"
        )
    out, places = bytearray(b"%PDF-1.4\n"), []
    for number, body in enumerate(objects, 1):
        places.append(len(out))
        out += f"{number} 0 obj\n".encode() + body + b"\nendobj\n"
    table = len(out)
    out += f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n".encode()
    out += b"".join(f"{place:010} 00000 n \n".encode() for place in places)
    out += f"trailer\n<< /Size {len(objects) + 1} /Root 1 0 R {trailer} >>\n".encode()
    return bytes(out) + f"startxref\n{table}\n%%EOF".encode()


def form_of(label, filled):
    """Write a PDF of one page: a label, and beside it a field of a form that somebody filled in."""
    font = "/DA (/F 12 Tf 0 g)"
    field = (
        f"<< /Type /Annot /Subtype /Widget /FT /Tx /T (field) /V ({filled}) /F 4 {font} "
        "/Rect [200 745 400 765] >>"
    )
    fields = f"/AcroForm << /Fields [] /DR << /Font << /F 3 0 R >> >> {font} >>"
    return pdf_of(show(label), page=f"/Annots [{field}]", catalog=fields)


def show(*lines):
    """Return a content stream that shows lines of text from the top."""
    parts = [f"1 0 0 1 50 {750 - 20 * n} Tm ({line}) Tj" for n, line in enumerate(lines)]
    return ("BT /F 12 Tf " + "\n".join(parts) + " ET").encode("cp1252")
