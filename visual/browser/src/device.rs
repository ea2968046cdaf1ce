//! Devices by name.

use crate::Viewport;

/// A device as a page sees it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Device {
    /// Its name, such as `iPhone 16`.
    pub name: &'static str,
    /// Width of its screen in CSS pixels, held upright where it can be held.
    pub width: u32,
    /// Height of its screen in CSS pixels.
    pub height: u32,
    /// Device pixels for each CSS pixel.
    pub scale: f64,
    /// What its own browser calls itself; `None` leaves the name of the browser in use.
    pub user_agent: Option<&'static str>,
    /// Whether it obeys `<meta name=viewport>`.
    pub mobile: bool,
    /// Whether it is touched.
    pub touch: bool,
}

const IPHONE: Option<&str> = Some(
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 \
     (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1",
);
/// Since iPadOS 13 its browser calls itself that of a Mac.
const IPAD: Option<&str> = Some(
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 \
     (KHTML, like Gecko) Version/18.5 Safari/605.1.15",
);
/// Chrome names neither model nor version of the system any more.
const ANDROID: Option<&str> = Some(
    "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) \
     Chrome/143.0.0.0 Mobile Safari/537.36",
);
const ANDROID_TABLET: Option<&str> = Some(
    "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) \
     Chrome/143.0.0.0 Safari/537.36",
);

const fn hand_held(
    name: &'static str,
    (width, height): (u32, u32),
    scale: f64,
    user_agent: Option<&'static str>,
) -> Device {
    Device { name, width, height, scale, user_agent, mobile: true, touch: true }
}

const fn desktop(name: &'static str, (width, height): (u32, u32), scale: f64) -> Device {
    Device { name, width, height, scale, user_agent: None, mobile: false, touch: false }
}

const DEVICES: &[Device] = &[
    hand_held("iPhone SE", (375, 667), 2.0, IPHONE),
    hand_held("iPhone 13 mini", (375, 812), 3.0, IPHONE),
    hand_held("iPhone 14", (390, 844), 3.0, IPHONE),
    hand_held("iPhone 15", (393, 852), 3.0, IPHONE),
    hand_held("iPhone 16", (393, 852), 3.0, IPHONE),
    hand_held("iPhone 16 Pro", (402, 874), 3.0, IPHONE),
    hand_held("iPhone 16 Pro Max", (440, 956), 3.0, IPHONE),
    hand_held("iPhone 17", (402, 874), 3.0, IPHONE),
    hand_held("Pixel 7", (412, 915), 2.625, ANDROID),
    hand_held("Pixel 8", (412, 915), 2.625, ANDROID),
    hand_held("Pixel 9", (411, 923), 2.625, ANDROID),
    hand_held("Galaxy S8", (360, 740), 3.0, ANDROID),
    hand_held("Galaxy S24", (360, 780), 3.0, ANDROID),
    hand_held("Galaxy A54", (412, 915), 2.625, ANDROID),
    hand_held("iPad mini", (744, 1133), 2.0, IPAD),
    hand_held("iPad", (820, 1180), 2.0, IPAD),
    hand_held("iPad Pro 11", (834, 1194), 2.0, IPAD),
    hand_held("iPad Pro 13", (1032, 1376), 2.0, IPAD),
    hand_held("Galaxy Tab S9", (800, 1280), 2.0, ANDROID_TABLET),
    desktop("Laptop", (1366, 768), 1.0),
    desktop("MacBook Air 13", (1470, 956), 2.0),
    desktop("Desktop", (1280, 800), 1.0),
    desktop("Desktop HD", (1920, 1080), 1.0),
    desktop("Desktop QHD", (2560, 1440), 1.0),
];

impl Device {
    /// The device of this name; upper and lower case are the same.
    pub fn named(name: &str) -> Option<&'static Self> {
        DEVICES.iter().find(|device| device.name.eq_ignore_ascii_case(name.trim()))
    }

    /// All devices: phones, tablets, then desktops.
    pub fn all() -> &'static [Self] {
        DEVICES
    }

    /// Its window.
    pub fn viewport(&self) -> Viewport {
        Viewport {
            width: self.width,
            height: self.height,
            scale: self.scale,
            mobile: self.mobile,
            touch: self.touch,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_are_found_by_their_names() {
        for device in Device::all() {
            assert_eq!(Device::named(&device.name.to_uppercase()), Some(device));
            let pixels = f64::from(device.width) * device.scale;
            assert!((640.0..=3000.0).contains(&pixels), "{}", device.name);
            assert_eq!(device.user_agent.is_some(), device.mobile, "{}", device.name);
        }
        let names: std::collections::BTreeSet<_> = Device::all().iter().map(|d| d.name).collect();
        assert_eq!(names.len(), Device::all().len());
        assert_eq!(Device::named(" iphone 16 ").map(|device| device.width), Some(393));
        assert_eq!(Device::named("iPhone"), None);
    }
}
