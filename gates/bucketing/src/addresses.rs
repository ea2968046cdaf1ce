//! Ranges of network addresses, as conditions name them.

use std::net::IpAddr;

/// An address with the length of its network's prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    prefix: u8,
}

fn bits(address: IpAddr) -> (u128, u8) {
    match address {
        IpAddr::V4(address) => (u128::from(u32::from(address)) << 96, 32),
        IpAddr::V6(address) => (u128::from(address), 128),
    }
}

impl Network {
    /// Reads `10.1.2.3` or `10.1.0.0/16`, or the same of IPv6.
    pub fn read(text: &str) -> Option<Network> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address.parse().ok()?, Some(prefix.parse().ok()?)),
            None => (text.parse().ok()?, None),
        };
        let (_, longest) = bits(address);
        let prefix = prefix.unwrap_or(longest);
        (prefix <= longest).then_some(Network { address, prefix })
    }

    /// Whether all of another network, or an address, lies in it.
    pub fn contains(&self, other: &Network) -> bool {
        let ((own, longest), (theirs, of_theirs)) = (bits(self.address), bits(other.address));
        let mask = u128::MAX.checked_shl(128 - u32::from(self.prefix)).unwrap_or(0);
        longest == of_theirs && other.prefix >= self.prefix && (own ^ theirs) & mask == 0
    }

    /// Whether the addresses are the same, whatever the networks.
    pub fn same_address(&self, other: &Network) -> bool {
        self.address == other.address
    }

    /// Whether it is one of IPv4.
    pub fn is_v4(&self) -> bool {
        self.address.is_ipv4()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_lie_in_networks() {
        let check = |network: &str, address: &str, expect: bool| {
            let read = |text| Network::read(text).unwrap();
            assert_eq!(read(network).contains(&read(address)), expect, "{network} {address}");
        };
        check("10.0.0.0/8", "10.255.0.1", true);
        check("10.0.0.0/8", "11.0.0.1", false);
        check("10.0.0.1", "10.0.0.1", true);
        check("0.0.0.0/0", "1.2.3.4", true);
        check("10.0.0.0/16", "10.0.0.0/8", false);
        check("2001:db8::/32", "2001:db8:1::1", true);
        check("0.0.0.0/0", "::1", false);
        assert_eq!(Network::read("10.0.0/8"), None);
        assert_eq!(Network::read("10.0.0.0/33"), None);
    }
}
