use super::*;

fn check(text: &str, expect: Result<&str, &str>) {
    let read: Result<Threshold, String> = text.parse();
    match (&read, expect) {
        (Ok(read), Ok(shown)) => {
            assert_eq!(read.to_string(), shown, "{text}");
            let again: Threshold = shown.parse().unwrap();
            assert_eq!(again.to_string(), shown, "{text}");
        }
        (Err(why), Err(said)) => assert_eq!(why, said, "{text}"),
        _ => panic!("{text}: {read:?}, not {expect:?}"),
    }
}

#[test]
fn thresholds_are_read_as_k6_writes_them() {
    check("p(95)<500", Ok("p(95)<500ms"));
    check("p(99.9) <= 1.5s", Ok("p(99.9)<=1.5s"));
    check("http_req_duration: p(95)<500", Ok("p(95)<500ms"));
    check("med<80us", Ok("med<80us"));
    check("p(50)<80", Ok("med<80ms"));
    check("max<2s", Ok("max<2s"));
    check("avg<=200ms", Ok("avg<=200ms"));
    check("rate<0.1%", Ok("rate<0.1%"));
    check("rate<0.01", Ok("rate<1%"));
    check("http_req_failed rate<0.01", Ok("rate<1%"));
    check("cache_hits rate >= 90%", Ok("cache_hits rate>=90%"));
    check("failures count<5", Ok("failures count<5"));
    check("count>1000", Ok("count>1000"));
    check("requests rate>=99.5/s", Ok("requests rate>=99.5/s"));
    check("bytes count<10MB", Ok("bytes count<10MB"));
    check("bytes rate<1.5kB/s", Ok("bytes rate<1.5kB/s"));
    check("service p(99)<200ms", Ok("service p(99)<200ms"));
    check("first_byte:p(90)<100", Ok("first_byte p(90)<100ms"));
    check("connect max<1s", Ok("connect max<1s"));
    check("p(95)<1234ms", Ok("p(95)<1.234s"));
    check("p(95)<999.6ms", Ok("p(95)<999.6ms"));
    check("p(99.999)<1s", Ok("p(99.999)<1s"));
    check("requests rate>1999.86/s", Ok("requests rate>1999.86/s"));
    check("lcp p(75)<2500", Ok("lcp p(75)<2.5s"));
    check("browser_web_vital_cls: p(75) < 0.1", Ok("cls p(75)<0.1"));
    check("cls max<=0.25", Ok("cls max<=0.25"));
    check("fcp med<1.8s", Ok("fcp med<1.8s"));
    check("ttfb p(75)<800ms", Ok("ttfb p(75)<800ms"));
    check("bytes count<1234567B", Ok("bytes count<1.234567MB"));
}

#[test]
fn values_read_well() {
    let shown = |text: &str, value: f64| text.parse::<Threshold>().unwrap().value(value);
    assert_eq!(shown("requests rate>1/s", 1999.86), "2000/s");
    assert_eq!(shown("requests rate>1/s", 1230.4), "1230/s");
    assert_eq!(shown("requests rate>1/s", 49.97), "49.97/s");
    assert_eq!(shown("rate<1%", 0.013_38), "1.338%");
    assert_eq!(shown("p(95)<1s", 500_000.0), "500ms");
    assert_eq!(shown("cls p(75)<0.1", 0.012_345), "0.01235");
}

#[test]
fn what_is_wrong_is_told_with_what_is_right() {
    check("p(95)", Err("`p(95)` compares nothing: write it like `p(95)<500ms`"));
    check(
        "p95<1",
        Err("`p95` is no aggregate: there are p(N), avg, med, min, max, rate and count"),
    );
    check("p(0)<1", Err("`p(0)`: a percentile lies between 0 and 100; use min or max"));
    check("p(100)<1", Err("`p(100)`: a percentile lies between 0 and 100; use min or max"));
    check("latensy p(95)<1", Err("`latensy` is not measured; did you mean `latency`?"));
    check(
        "latency rate<1",
        Err("`latency` has durations: use p(N), avg, med, min and max with it"),
    );
    check("failures p(95)<1", Err("`failures` has numbers: use rate and count with it"));
    check(
        "p(95)<fast",
        Err("`fast` is no limit for latency: write it like `500ms`, `1.5s` or `800us`"),
    );
    check("cls rate<1%", Err("`cls` has scores: use p(N), avg, med, min and max with it"));
    check("cls p(75)<100ms", Err("`100ms` is no limit for cls: write it like `0.1`"));
    check("rate<200%", Err("`200%` is more than all: a share lies between 0 and 100%"));
    check("rate<0%", Err("`rate<0%` can never be kept"));
    check("rate>100%", Err("`rate>100%` can never be kept"));
}
