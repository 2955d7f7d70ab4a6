use bytes::Bytes;
use proptest::prelude::*;

use super::*;

const KIND: &str = "multipart/form-data; boundary=x";

fn read(body: &[u8]) -> Result<Vec<Part>, String> {
    parts(KIND, &Bytes::copy_from_slice(body)).map_err(|bad| bad.message)
}

#[test]
fn a_form_is_read_without_a_copy() {
    let body = Bytes::from_static(
        b"for readers of mail\r\n--x \r\nContent-Disposition: form-data; name=\"prompt\"\r\n\r\na\r\n--xy b\r\n--x\r\n\
          content-type: image/PNG\r\ncontent-disposition: form-data; name=\"image[]\"; filename=\"a b.png\"\r\n\r\n\r\n--x--\r\nend",
    );
    let parts = parts(KIND, &body).unwrap();
    assert_eq!((parts[0].name.as_str(), &*parts[0].data, parts[0].is_file()), ("prompt", &b"a\r\n--xy b"[..], false));
    assert_eq!((parts[1].name.as_str(), parts[1].data.len(), parts[1].is_file()), ("image[]", 0, true));
    assert_eq!((parts[1].filename.as_deref(), parts[1].content_type.as_deref()), (Some("a b.png"), Some("image/png")));
    assert_eq!(parts[0].data.as_ptr(), body[parts[0].data_at.start..].as_ptr());
    assert!(body[parts[0].at.clone()].starts_with(b"--x ") && body[parts[0].at.end..].starts_with(b"--x\r\n"));
    assert!(read(b"--x--").unwrap().is_empty());
}

#[test]
fn what_is_wrong_with_a_form_is_named() {
    let check = |body: &[u8], expected: &str| {
        let message = read(body).unwrap_err();
        assert!(message.contains(expected), "{message} is about {expected}");
    };
    let head = "--x\r\ncontent-disposition: form-data; name=\"image\"\r\n\r\n";
    check(b"", "does not stand in it");
    check(b"--y\r\n", "does not stand in it");
    check(format!("{head}abc").as_bytes(), "`image` is cut off");
    check(format!("{head}abc\r\n--x").as_bytes(), "`image` is cut off");
    check(b"--x\r\ncontent-disposition: form-data; na", "part 1 is cut off");
    check(b"--x\r\ncontent-disposition: form-data\r\n\r\na\r\n--x--", "part 1 has no name");
    check(b"--x\r\n\r\na\r\n--x--", "part 1 has no name");
    check(b"--xabc", "not followed by a line break");
    check(format!("--x\r\n{}", "a".repeat(9_000)).as_bytes(), "longer than 8 KiB");
    check(
        b"--x\r\ncontent-disposition: form-data; name=\"f\"\r\ncontent-transfer-encoding: base64\r\n\r\nYQ==\r\n--x--",
        "`f` is encoded as `base64`",
    );
    let many = |count: usize| format!("{}--x--", format!("{head}a\r\n").repeat(count));
    assert_eq!(read(many(MAX_PARTS).as_bytes()).unwrap().len(), MAX_PARTS);
    check(many(MAX_PARTS + 1).as_bytes(), "more than 64 parts");
    for kind in ["multipart/form-data", "multipart/form-data; boundary="] {
        assert!(parts(kind, &Bytes::new()).unwrap_err().message.contains("no boundary"));
    }
}

proptest! {
    #[test]
    fn a_form_that_is_written_is_read_back(fields: Vec<(String, Vec<u8>)>) {
        let fields: Vec<_> = fields.into_iter().filter(|(name, _)| !name.is_empty() && name.len() < 80).take(MAX_PARTS).collect();
        let mut form = Form::default();
        for (name, data) in &fields {
            form = form.file(name, "a\"b", "image/png", Bytes::from(data.clone()));
        }
        let WrittenForm { content_type, body } = form.finish();
        let body = Bytes::from(body.concat());
        if fields.is_empty() {
            return Ok(());
        }
        let read = parts(&content_type, &body).unwrap();
        prop_assert_eq!(read.len(), fields.len());
        for (part, (_, data)) in read.iter().zip(&fields) {
            prop_assert_eq!((&part.data[..], part.filename.as_deref()), (&data[..], Some("a\"b")));
        }
    }

    #[test]
    fn no_bytes_make_it_panic(body: Vec<u8>, at: usize) {
        let _ = read(&body);
        let whole = b"--x\r\ncontent-disposition: form-data; name=\"image\"\r\n\r\nab\r\n--x--";
        let _ = read(&whole[..at % whole.len()]);
    }
}
