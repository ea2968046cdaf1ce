//! What a captured page amounts to.

use url::Url;

use crate::{
    Capture, Error, Rect, Shot, Timings, Unsettled, navigate, remote::host_of, settle::PageReport,
    snapshot::Snapshot,
};

/// Whether what the browser shows is the page that was asked for.
pub(crate) fn check_page(url: &Url, shot: &Shot, report: &PageReport) -> Result<(), Error> {
    let host = host_of(url);
    if report.url.starts_with("chrome-error:") {
        // The browser fills in for an error answer without a body: that one is the site's own.
        if report.status < 400 {
            return Err(match navigate::net_error(&report.error_page) {
                Some(name) => navigate::from_net_error(url, name),
                None => Error::Navigation { host, reason: "the browser shows an error".into() },
            });
        }
    } else if navigate::admissible(&report.url, shot.allow_file).is_err() {
        // An empty answer or a download leaves the browser where it was.
        return Err(Error::Navigation { host, reason: "the answer is not a page".into() });
    }
    let height = report.clip.map_or(report.height, |clip| clip.height);
    if height > shot.max_height {
        return Err(Error::TooTall { height, limit: shot.max_height });
    }
    if let Some(selector) = &shot.clip
        && report.clip.is_none()
    {
        return Err(Error::NothingToClip { selector: selector.clone() });
    }
    Ok(())
}

/// Puts the picture together with what was seen.
pub(crate) fn capture(
    shot: &Shot,
    png: Vec<u8>,
    snapshot: Option<Snapshot>,
    report: PageReport,
    timings: Timings,
) -> Result<Capture, Error> {
    let (width, height) = png_size(&png).ok_or_else(|| Error::Protocol {
        command: "Page.captureScreenshot".to_owned(),
        reason: "the picture is not a PNG".to_owned(),
    })?;
    let scale = shot.viewport.scale;
    let mut masks: Vec<Rect> = report
        .masks
        .iter()
        .filter_map(|mask| inside(*mask, report.clip))
        .map(|mask| in_pixels(mask, scale, width, height))
        .collect();
    masks.sort_unstable();
    let layout = snapshot.and_then(|snapshot| snapshot.layout(report.clip, scale));
    let is_file = report.url.starts_with("file:");
    let error_page = report.url.starts_with("chrome-error:");
    Ok(Capture {
        png,
        width,
        height,
        masks,
        unmatched: report.unmatched,
        // The browser gives a status to a file, too.
        status: Some(report.status).filter(|status| *status != 0 && !is_file),
        final_url: if error_page { report.asked } else { report.url },
        failed_resources: report.failed,
        layout: layout.unwrap_or_default(),
        timings,
    })
}

/// The error for a page that was still changing.
pub(crate) fn never_settled(shot: &Shot, what: String, frames: [Vec<u8>; 2]) -> Error {
    Error::NeverSettled(Box::new(Unsettled { frames, what, after: shot.settle.deadline }))
}

/// Whether a driver's answer means that the page went on to another one meanwhile.
pub(crate) fn moved_on(message: &str) -> bool {
    let signs = [
        "context was destroyed",
        "Cannot find context",
        "navigated or closed",
        "Promise was",
        // Firefox
        "destroyed before query",
        "Browsing context got discarded",
        "no such realm",
        // WebKit
        "Missing injected script",
    ];
    signs.iter().any(|sign| message.contains(sign))
}

/// The part of an area that is in the clip, from the clip's corner.
fn inside(area: Rect, clip: Option<Rect>) -> Option<Rect> {
    let Some(clip) = clip else { return Some(area) };
    let span = |from: u32, length: u32, start: u32, room: u32| {
        let begin = from.max(start);
        let end = (from + length).min(start + room);
        (end > begin).then(|| (begin - start, end - begin))
    };
    let (x, width) = span(area.x, area.width, clip.x, clip.width)?;
    let (y, height) = span(area.y, area.height, clip.y, clip.height)?;
    Some(Rect { x, y, width, height })
}

/// All device pixels that an area in CSS pixels touches.
fn in_pixels(area: Rect, scale: f64, width: u32, height: u32) -> Rect {
    let span = |from: u32, length: u32, limit: u32| {
        let start = (f64::from(from) * scale).floor() as u32;
        let end = ((f64::from(from) + f64::from(length)) * scale).ceil() as u32;
        let end = end.min(limit);
        (start.min(end), end.saturating_sub(start))
    };
    let (x, width) = span(area.x, area.width, width);
    let (y, height) = span(area.y, area.height, height);
    Rect { x, y, width, height }
}

/// Width and height from the header of a PNG.
fn png_size(png: &[u8]) -> Option<(u32, u32)> {
    let header = png.strip_prefix(b"\x89PNG\r\n\x1a\n")?;
    let number = |at: usize| header.get(at..at + 4)?.try_into().ok().map(u32::from_be_bytes);
    (header.get(4..8)? == b"IHDR").then_some((number(8)?, number(12)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_area(css: [u32; 4], scale: f64, expect: [u32; 4]) {
        let [x, y, width, height] = css;
        let got = in_pixels(Rect { x, y, width, height }, scale, 100, 1000);
        assert_eq!([got.x, got.y, got.width, got.height], expect, "{css:?} at {scale}");
    }

    #[test]
    fn masks_in_device_pixels() {
        check_area([1, 2, 3, 4], 1.0, [1, 2, 3, 4]);
        check_area([1, 2, 3, 4], 2.0, [2, 4, 6, 8]);
        check_area([1, 1, 1, 1], 1.5, [1, 1, 2, 2]);
        check_area([90, 990, 20, 20], 1.0, [90, 990, 10, 10]);
        check_area([400, 0, 5, 5], 1.0, [100, 0, 0, 5]);
    }

    fn check_inside(area: [u32; 4], expect: Option<[u32; 4]>) {
        let rect = |[x, y, width, height]: [u32; 4]| Rect { x, y, width, height };
        let clip = rect([100, 200, 50, 60]);
        assert_eq!(inside(rect(area), Some(clip)), expect.map(rect), "{area:?}");
        assert_eq!(inside(rect(area), None), Some(rect(area)));
    }

    #[test]
    fn masks_in_a_clipped_picture() {
        check_inside([110, 210, 5, 6], Some([10, 10, 5, 6]));
        check_inside([0, 0, 1000, 1000], Some([0, 0, 50, 60]));
        check_inside([90, 250, 20, 20], Some([0, 50, 10, 10]));
        check_inside([0, 0, 100, 1000], None);
        check_inside([100, 260, 9, 9], None);
    }

    fn check_shown(url: &str, status: u16, text: &str, expect: Result<(), &str>) {
        let asked = Url::parse("http://a.test/").unwrap();
        let report = PageReport {
            url: url.to_owned(),
            status,
            error_page: text.to_owned(),
            height: 10,
            ..PageReport::default()
        };
        let got = check_page(&asked, &Shot::of(asked.as_str()), &report);
        assert_eq!(got.map_err(|e| e.to_string()), expect.map_err(str::to_owned), "{url} {text}");
    }

    #[test]
    fn what_the_browser_shows() {
        let error = "chrome-error://chromewebdata/";
        check_shown("http://a.test/", 200, "", Ok(()));
        check_shown("http://a.test/", 500, "", Ok(()));
        check_shown(error, 404, "HTTP ERROR 404", Ok(()));
        check_shown(error, 0, "x\nERR_UNSAFE_PORT\ny", Err("no page from a.test: ERR_UNSAFE_PORT"));
        check_shown(error, 0, "ERR_CONNECTION_REFUSED", Err("a.test refused the connection"));
        check_shown(error, 0, "?", Err("no page from a.test: the browser shows an error"));
        let no_page = Err("no page from a.test: the answer is not a page");
        check_shown("about:blank", 0, "", no_page);
        check_shown("chrome://newtab/", 0, "", no_page);
        check_shown("file:///etc/passwd", 0, "", no_page);
    }

    #[test]
    fn the_size_in_a_header() {
        let mut png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec();
        png.extend([0, 0, 1, 64, 0, 0, 11, 184]);
        assert_eq!(png_size(&png), Some((320, 3000)));
        assert_eq!(png_size(&png[..20]), None);
        assert_eq!(png_size(b"GIF89a"), None);
    }
}
