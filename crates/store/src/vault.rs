//! Secrets at rest: credentials are sealed with a key that is not in the database, API keys are kept as keyed hashes only.
//!
//! The master key is `EASYAI_MASTER_KEY` (base64 of 32 bytes) or the file `master.key` in the data folder, generated at the first
//! start. Without it, or with another one, sealed secrets can't be opened and no API key is recognised: opening fails with
//! [`StoreError::Setting`] and says so.

use std::io::{Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use easyai_core::catalog::KeyHash;
use hmac::{Hmac, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;
use uuid::Uuid;

use crate::error::StoreError;

/// The name of the master key's file in the data folder.
pub const MASTER_KEY_FILE: &str = "master.key";

/// The form of sealed values: this byte, the nonce, the ciphertext with its tag.
const FORM: u8 = 1;
const NONCE_BYTES: usize = 24;

/// A key file is 44 characters and a line end; what is much longer is something else.
const MAX_KEY_FILE_BYTES: u64 = 256;

/// Seals, opens and hashes with keys derived from the master key.
#[derive(Clone)]
pub struct Vault {
    cipher: XChaCha20Poly1305,
    pepper: Hmac<Sha256>,
    links: Hmac<Sha256>,
}

impl std::fmt::Debug for Vault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Vault")
    }
}

impl Vault {
    /// The vault of the master key `given` (base64), else of the one in `folder`, which is generated if there is none.
    ///
    /// # Errors
    /// [`StoreError::Setting`] for a key that is not 32 bytes of base64, or a file that others may read.
    pub fn open(folder: &Path, given: Option<&SecretString>) -> Result<Self, StoreError> {
        let text = match given {
            Some(text) => text.clone(),
            None => read_or_generate(folder)?,
        };
        let bytes = BASE64.decode(text.expose_secret().trim()).ok().and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
        let where_from = if given.is_some() { "EASYAI_MASTER_KEY" } else { MASTER_KEY_FILE };
        bytes.map(Self::from_master).ok_or_else(|| StoreError::Setting(format!("{where_from} is not a master key: base64 of 32 bytes")))
    }

    fn from_master(master: [u8; 32]) -> Self {
        // Separate keys for separate uses, so that neither tells about the other.
        let derive = |purpose: &[u8]| keyed(&master).chain_update(purpose).finalize().into_bytes();
        let pepper: [u8; 32] = derive(b"easyai api key pepper 1").into();
        let links: [u8; 32] = derive(b"easyai asset link 1").into();
        Self { cipher: XChaCha20Poly1305::new(&derive(b"easyai credential cipher 1")), pepper: keyed(&pepper), links: keyed(&links) }
    }

    /// Seals `plain` for the row `id`; it can be opened for that row alone.
    ///
    /// # Errors
    /// [`StoreError::Setting`] if the system gives no randomness.
    pub fn seal(&self, id: Uuid, plain: &SecretString) -> Result<Vec<u8>, StoreError> {
        let nonce: [u8; NONCE_BYTES] = random()?;
        let payload = Payload { msg: plain.expose_secret().as_bytes(), aad: id.as_bytes() };
        let sealed = self.cipher.encrypt(XNonce::from_slice(&nonce), payload);
        let sealed = sealed.map_err(|_| StoreError::Setting("the secret could not be sealed".to_owned()))?;
        Ok([&[FORM], nonce.as_slice(), &sealed].concat())
    }

    /// Opens what was sealed for the row `id`.
    ///
    /// # Errors
    /// [`StoreError::Setting`] if it was sealed with another master key or for another row, or was changed.
    pub fn unseal(&self, id: Uuid, sealed: &[u8]) -> Result<SecretString, StoreError> {
        let wrong = || StoreError::Setting("a secret in the database can't be opened: it was sealed with another master key".to_owned());
        let (&form, rest) = sealed.split_first().ok_or_else(wrong)?;
        let (nonce, sealed) = rest.split_at_checked(NONCE_BYTES).filter(|_| form == FORM).ok_or_else(wrong)?;
        let plain = self.cipher.decrypt(XNonce::from_slice(nonce), Payload { msg: sealed, aad: id.as_bytes() }).map_err(|_| wrong())?;
        String::from_utf8(plain).map(SecretString::from).map_err(|_| wrong())
    }

    /// The signature of a link to an asset.
    pub(crate) fn sign_link(&self, text: &str) -> [u8; 32] {
        self.links.clone().chain_update(text.as_bytes()).finalize().into_bytes().into()
    }

    /// Whether `signature` is that of `text`, in constant time.
    pub(crate) fn is_link_signature(&self, text: &str, signature: &[u8]) -> bool {
        self.links.clone().chain_update(text.as_bytes()).verify_slice(signature).is_ok()
    }

    /// The keyed hash under which an API key is stored and found.
    #[must_use]
    pub fn hash_key(&self, key: &str) -> KeyHash {
        self.pepper.clone().chain_update(key.as_bytes()).finalize().into_bytes().into()
    }
}

/// A new API key: shown once, stored as a hash.
///
/// # Errors
/// [`StoreError::Setting`] if the system gives no randomness.
pub fn new_api_key() -> Result<SecretString, StoreError> {
    // 32 characters of 5 bits: 160 bits, of letters that can't be taken for one another.
    const LETTERS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
    let mut key = String::from("sk-");
    key.extend(random::<32>()?.iter().map(|byte| char::from(LETTERS[usize::from(byte & 31)])));
    Ok(SecretString::from(key))
}

fn keyed(key: &[u8; 32]) -> Hmac<Sha256> {
    // Through the block form: it takes a key of the block's size, so there is no length to be wrong.
    let mut block = [0_u8; 64];
    block[..32].copy_from_slice(key);
    <Hmac<Sha256> as KeyInit>::new(&block.into())
}

fn random<const N: usize>() -> Result<[u8; N], StoreError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| StoreError::Setting(format!("the system gives no randomness: {error}")))?;
    Ok(bytes)
}

fn read_or_generate(folder: &Path) -> Result<SecretString, StoreError> {
    let path = folder.join(MASTER_KEY_FILE);
    let failed = |error: std::io::Error| StoreError::Setting(format!("the master key {} can't be used: {error}", path.display()));
    if !path.exists() {
        generate(folder, &path).map_err(failed)?;
    }
    let file = std::fs::File::open(&path).map_err(failed)?;
    let mode = file.metadata().map_err(failed)?.mode();
    if mode & 0o077 != 0 {
        let path = path.display();
        return Err(StoreError::Setting(format!("the master key {path} may be read by others: run `chmod 600 {path}`")));
    }
    let mut text = String::new();
    file.take(MAX_KEY_FILE_BYTES).read_to_string(&mut text).map_err(failed)?;
    Ok(SecretString::from(text))
}

/// Writes a new key beside its place and links it in: complete at once, and the first of two processes wins.
fn generate(folder: &Path, path: &Path) -> std::io::Result<()> {
    let mut key = [0_u8; 32];
    getrandom::fill(&mut key).map_err(|error| std::io::Error::other(error.to_string()))?;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let draft = folder.join(format!("{MASTER_KEY_FILE}.{}", Uuid::now_v7().simple()));
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
    file.write_all(BASE64.encode(key).as_bytes())?;
    file.write_all(b"\n")?;
    file.sync_all()?;
    let linked = std::fs::hard_link(&draft, path);
    std::fs::remove_file(&draft)?;
    match linked {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn vault(byte: u8) -> Vault {
        Vault::from_master([byte; 32])
    }

    #[test]
    fn a_secret_opens_for_its_own_row_and_key_only() {
        let (id, other) = (Uuid::now_v7(), Uuid::now_v7());
        let sealed = vault(1).seal(id, &SecretString::from("sk-upstream")).unwrap();
        assert!(!sealed.windows(4).any(|bytes| bytes == b"sk-u"));
        assert_eq!(vault(1).unseal(id, &sealed).unwrap().expose_secret(), "sk-upstream");
        assert!(vault(1).unseal(other, &sealed).is_err());
        assert!(vault(2).unseal(id, &sealed).is_err());
        let mut changed = sealed.clone();
        *changed.last_mut().unwrap() ^= 1;
        assert!(vault(1).unseal(id, &changed).is_err());
        assert!(vault(1).unseal(id, &[]).is_err());
    }

    #[test]
    fn a_key_hash_depends_on_key_and_master_key() {
        assert_eq!(vault(1).hash_key("sk-a"), vault(1).hash_key("sk-a"));
        assert_ne!(vault(1).hash_key("sk-a"), vault(1).hash_key("sk-b"));
        assert_ne!(vault(1).hash_key("sk-a"), vault(2).hash_key("sk-a"));
    }

    #[test]
    fn new_keys_differ() {
        let (one, two) = (new_api_key().unwrap(), new_api_key().unwrap());
        assert_ne!(one.expose_secret(), two.expose_secret());
        assert_eq!(one.expose_secret().len(), 35);
    }

    #[test]
    fn a_generated_master_key_is_its_owners_alone_and_stays() {
        let folder = tempfile::tempdir().unwrap();
        let hash = Vault::open(folder.path(), None).unwrap().hash_key("sk-a");
        let path = folder.path().join(MASTER_KEY_FILE);
        assert_eq!(path.metadata().unwrap().mode() & 0o777, 0o600);
        assert_eq!(Vault::open(folder.path(), None).unwrap().hash_key("sk-a"), hash);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        assert!(Vault::open(folder.path(), None).unwrap_err().to_string().contains("chmod 600"));
    }

    #[test]
    fn a_given_master_key_is_checked() {
        let folder = tempfile::tempdir().unwrap();
        for text in ["", "short", "AAAA"] {
            assert!(Vault::open(folder.path(), Some(&SecretString::from(text))).unwrap_err().to_string().contains("EASYAI_MASTER_KEY"));
        }
        assert!(Vault::open(folder.path(), Some(&SecretString::from(BASE64.encode([7; 32])))).is_ok());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
