//! Searching for objects (PKCS#11 3.2 §5.7.7 to §5.7.9).

use cryptoki_sys::*;

use super::attributes::AttributeError;
use super::error::Error;
use super::module::Module;
use super::object::Object;

/// A template to search with: every attribute must be there and have this value.
pub type Filter = Vec<(CK_ATTRIBUTE_TYPE, Vec<u8>)>;

/// A search that has begun: what it found, less what was fetched.
pub(super) struct SearchOperation {
    found: std::vec::IntoIter<CK_OBJECT_HANDLE>,
}

impl Module {
    /// C_FindObjectsInit. The result is fixed here.
    ///
    /// # Errors
    /// [`Error::OperationActive`], and those of reading the card.
    pub fn find_objects_init(&self, session: CK_SESSION_HANDLE, filter: &Filter) -> Result<(), Error> {
        let session = self.session(session)?;
        if session.operations.lock().search.is_some() {
            return Err(Error::OperationActive);
        }
        let mut found = Vec::new();
        for object in self.candidates(&session.token) {
            if self.finds(&object, filter)? {
                found.push(object.handle());
            }
        }
        session.operations.lock().search = Some(SearchOperation { found: found.into_iter() });
        Ok(())
    }

    /// C_FindObjects: the next handles, at most `count` of them.
    ///
    /// # Errors
    /// [`Error::OperationNotInitialized`].
    pub fn find_objects(&self, session: CK_SESSION_HANDLE, count: usize) -> Result<Vec<CK_OBJECT_HANDLE>, Error> {
        let session = self.session(session)?;
        let mut operations = session.operations.lock();
        let search = operations.search.as_mut().ok_or(Error::OperationNotInitialized)?;
        Ok(search.found.by_ref().take(count).collect())
    }

    /// C_FindObjectsFinal.
    ///
    /// # Errors
    /// [`Error::OperationNotInitialized`].
    pub fn find_objects_final(&self, session: CK_SESSION_HANDLE) -> Result<(), Error> {
        let session = self.session(session)?;
        let search = session.operations.lock().search.take();
        search.map(|_| ()).ok_or(Error::OperationNotInitialized)
    }

    /// Whether a search finds an object. What is known without the card is looked at first: a browser that searches
    /// for classes which no card has must not cause the reading of certificates.
    fn finds(&self, object: &Object, filter: &Filter) -> Result<bool, Error> {
        let fits = |(attribute, value): &(CK_ATTRIBUTE_TYPE, Vec<u8>)| match object.attribute(*attribute) {
            Ok(own) => Ok(*own == *value),
            Err(AttributeError::Failed(Error::ObjectHandleInvalid)) => Ok(false),
            Err(AttributeError::Failed(error)) => Err(error),
            Err(AttributeError::Invalid | AttributeError::Sensitive) => Ok(false),
        };
        for entry in filter.iter().filter(|(attribute, _)| is_free(*attribute)) {
            if !fits(entry)? {
                return Ok(false);
            }
        }
        if !object.is_visible(self)? {
            return Ok(false);
        }
        for entry in filter.iter().filter(|(attribute, _)| !is_free(*attribute)) {
            if !fits(entry)? {
                return Ok(false);
            }
        }
        // A CA certificate that had to be read for this may have turned out not to be there.
        object.is_visible(self)
    }
}

/// Attributes whose value depends on the kind of the object alone.
fn is_free(attribute: CK_ATTRIBUTE_TYPE) -> bool {
    matches!(
        attribute,
        CKA_CLASS
            | CKA_TOKEN
            | CKA_LABEL
            | CKA_KEY_TYPE
            | CKA_CERTIFICATE_TYPE
            | CKA_CERTIFICATE_CATEGORY
            | CKA_PROFILE_ID
            | CKA_SIGN
            | CKA_VERIFY
            | CKA_DECRYPT
            | CKA_ENCRYPT
            | CKA_UNIQUE_ID
    )
}
