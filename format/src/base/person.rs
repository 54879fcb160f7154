//! The name of the person at the machine, as the system has it: whoever shows it makes it fit to be shown.

/// The largest list of accounts that is read, bytes: 100,000 of them.
#[cfg(unix)]
const MAX_ACCOUNTS: u64 = 8 << 20;

/// Returns the name that the environment has: `USER` and `LOGNAME` on Unix, `USERNAME` on Windows.
pub fn user_name(env: impl Fn(&str) -> Option<String>) -> Option<String> {
    ["USER", "LOGNAME", "USERNAME"].into_iter().find_map(|name| env(name).filter(|name| !name.is_empty()))
}

/// Returns the account that this process runs as, by the system's list of accounts; `None` where there is no such list.
pub fn account_name() -> Option<String> {
    #[cfg(unix)]
    {
        let accounts = super::files::read_text_at_most(std::path::Path::new("/etc/passwd"), MAX_ACCOUNTS).ok()?;
        account_of(&accounts, rustix::process::geteuid().as_raw())
    }
    #[cfg(not(unix))]
    None
}

/// The name of a user in a list of accounts (`name:password:number:…`).
#[cfg(any(unix, test))]
fn account_of(accounts: &str, user: u32) -> Option<String> {
    accounts.lines().find_map(|line| {
        let mut fields = line.split(':');
        let (name, number) = (fields.next()?, fields.nth(1)?);
        (number.parse() == Ok(user) && !name.is_empty()).then(|| name.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_from_the_environment_and_from_the_list_of_accounts() {
        let env = |name: &str| (name == "LOGNAME").then(|| "kim".to_owned());
        assert_eq!((user_name(env), user_name(|_| None)), (Some("kim".to_owned()), None));
        assert_eq!(user_name(|name| Some(if name == "USER" { "" } else { "lee" }.to_owned())), Some("lee".to_owned()));
        let accounts = "root:x:0:0::/root:/bin/sh\nbroken\n:x:7:7::/:\nkim:x:1000:1000:Kim,,,:/home/kim:/bin/sh\n";
        assert_eq!(account_of(accounts, 1000), Some("kim".to_owned()));
        assert_eq!((account_of(accounts, 7), account_of(accounts, 1)), (None, None));
    }
}
