//! Pages and metadata made by hand: what old or careful writers leave behind, and what damage or
//! malice does. Source: the Apache Parquet format's description, and Thrift's of its compact protocol.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use dataset::answer;
use parquet::basic::{Compression, Encoding};
use parquet::column::writer::ColumnCloseResult;
use parquet::data_type::{ByteArray, ByteArrayType};
use parquet::file::metadata::{
    ColumnChunkMetaData, ParquetMetaData, ParquetMetaDataReader, ParquetMetaDataWriter,
};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;

use crate::columns::question;

const PLAIN: i32 = 0;
const RLE: i32 = 3;
const BIT_PACKED: i32 = 4;

/// A page of the older kind, plain and not packed.
#[derive(Clone)]
struct Page {
    /// How many values it says that it has.
    count: i32,
    /// How levels are written: of repetition, which there are none of, and of definition.
    levels: [i32; 2],
    checksum: Option<u32>,
    bytes: Vec<u8>,
}

impl Page {
    /// Of amounts, some of which are not there.
    fn of(amounts: &[Option<f64>]) -> Page {
        // Runs of one, each as wide as a byte.
        let levels = amounts.iter().flat_map(|one| [2, u8::from(one.is_some())]);
        let levels: Vec<u8> = levels.collect();
        let mut bytes = (levels.len() as u32).to_le_bytes().to_vec();
        bytes.extend(levels);
        bytes.extend(amounts.iter().flatten().flat_map(|one| one.to_le_bytes()));
        Page { count: amounts.len() as i32, levels: [RLE, RLE], checksum: None, bytes }
    }

    /// With its header in front: structs of fields, each a byte with the distance from the one before
    /// and the type (5 a number, 12 a struct), until a 0.
    fn whole(&self) -> Vec<u8> {
        let mut made = Vec::new();
        let length = self.bytes.len() as i32;
        for number in [0, length, length] {
            made.push(0x15);
            varint(number, &mut made);
        }
        let checksum = self.checksum.map(u32::cast_signed);
        if let Some(checksum) = checksum {
            made.push(0x15);
            varint(checksum, &mut made);
        }
        made.push(if checksum.is_some() { 0x1c } else { 0x2c });
        for number in [self.count, PLAIN, self.levels[1], self.levels[0]] {
            made.push(0x15);
            varint(number, &mut made);
        }
        made.extend([0, 0]);
        made.extend(&self.bytes);
        made
    }
}

/// Seven bits a byte, the sign in the lowest.
fn varint(number: i32, into: &mut Vec<u8>) {
    let mut left = (number << 1 ^ number >> 31).cast_unsigned();
    while left > 0x7f {
        into.push(left as u8 | 0x80);
        left >>= 7;
    }
    into.push(left as u8);
}

/// CRC-32 as in Ethernet, bit by bit.
fn checksum(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| {
            sum >> 1 ^ if sum & 1 == 1 { 0xedb8_8320 } else { 0 }
        })
    })
}

/// A file of one row group with a unit in each of the arms a, b and c in turn, and amounts on these
/// pages. `count` is what is said of their values.
fn write(file: &Path, encodings: Vec<Encoding>, count: i64, pages: &[Page]) {
    let schema = "message rows { required binary user (utf8); required binary variant (utf8); \
                  optional double amount; }";
    let schema = Arc::new(parse_message_type(schema).unwrap());
    let properties = Arc::new(WriterProperties::default());
    let mut writer =
        SerializedFileWriter::new(File::create(file).unwrap(), schema, properties).unwrap();
    let amounts = writer.schema_descr().column(2);
    let mut group = writer.next_row_group().unwrap();
    let rows = pages.iter().map(|page| page.count).sum::<i32>().min(3) as usize;
    for texts in [["u1", "u2", "u3"], ["a", "b", "c"]] {
        let texts: Vec<ByteArray> =
            texts[..rows].iter().map(|text| ByteArray::from(*text)).collect();
        let mut column = group.next_column().unwrap().unwrap();
        column.typed::<ByteArrayType>().write_batch(&texts, None, None).unwrap();
        column.close().unwrap();
    }
    let bytes: Vec<u8> = pages.iter().flat_map(Page::whole).collect();
    let metadata = ColumnChunkMetaData::builder(amounts)
        .set_compression(Compression::UNCOMPRESSED)
        .set_encodings(encodings)
        .set_num_values(count)
        .set_total_compressed_size(bytes.len() as i64)
        .set_total_uncompressed_size(bytes.len() as i64)
        .set_data_page_offset(0)
        .build()
        .unwrap();
    let close = ColumnCloseResult {
        bytes_written: bytes.len() as u64,
        rows_written: rows as u64,
        metadata,
        bloom_filter: None,
        column_index: None,
        offset_index: None,
    };
    group.append_column(&Bytes::from(bytes), close).unwrap();
    group.close().unwrap();
    writer.close().unwrap();
}

/// What the arms have, or what is wrong.
fn asked(file: &Path) -> Result<Vec<f64>, String> {
    let mut question = question(file, "amount");
    question.exposures.time = None;
    let answer = answer(&question, 1).map_err(|error| {
        let said = error.to_string();
        said.split_once("x.parquet: ").map_or(said.clone(), |(_, said)| said.to_owned())
    })?;
    Ok(answer.arms.iter().map(|arm| arm.totals[0].sum).collect())
}

const AMOUNTS: [Option<f64>; 3] = [Some(1.0), None, Some(4.0)];
const SUMS: [f64; 3] = [1.0, 0.0, 4.0];

/// Spark and Hive name an encoding of levels that is used for none, or, long ago, was.
#[test]
#[expect(deprecated, reason = "old files have it")]
fn levels_are_written_in_two_ways() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("x.parquet");
    let encodings = vec![Encoding::PLAIN, Encoding::RLE, Encoding::BIT_PACKED];
    let unused = Page { levels: [BIT_PACKED, RLE], ..Page::of(&AMOUNTS) };
    write(&file, encodings.clone(), 3, &[unused]);
    assert_eq!(asked(&file), Ok(SUMS.to_vec()));
    // A bit for each, from the highest on, and no length in front.
    let mut old = Page { levels: [BIT_PACKED, BIT_PACKED], ..Page::of(&AMOUNTS) };
    old.bytes.splice(..4 + 6, [0b1010_0000]);
    write(&file, encodings.clone(), 3, &[old.clone()]);
    assert_eq!(asked(&file), Ok(SUMS.to_vec()));
    old.bytes.clear();
    write(&file, encodings, 3, &[old]);
    let fault = "row 1: the file is broken: a page ends before its values do";
    assert_eq!(asked(&file), Err(fault.to_owned()));
}

#[test]
fn a_page_that_says_too_much_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("x.parquet");
    let encodings = || vec![Encoding::PLAIN, Encoding::RLE];
    // Two pages are right; as many rows as fit into a number are not.
    write(&file, encodings(), 3, &[Page::of(&AMOUNTS[..1]), Page::of(&AMOUNTS[1..])]);
    assert_eq!(asked(&file), Ok(SUMS.to_vec()));
    let mut endless = Page { count: i32::MAX, ..Page::of(&[]) };
    // One run of rows without a value.
    let run = [0xfe, 0xff, 0xff, 0xff, 0x0f, 0];
    endless.bytes = [&(run.len() as u32).to_le_bytes()[..], &run].concat();
    write(&file, encodings(), 3, &[endless]);
    let fault = "row 1: the file is broken: a page has more rows than its row group";
    assert_eq!(asked(&file), Err(fault.to_owned()));
    write(&file, encodings(), 3, &[Page::of(&AMOUNTS[..2]), Page::of(&AMOUNTS[1..])]);
    let fault = "row 3: the file is broken: a page has more rows than its row group";
    assert_eq!(asked(&file), Err(fault.to_owned()));
}

#[test]
fn checksums_of_pages_are_looked_at() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("x.parquet");
    let mut page = Page::of(&AMOUNTS);
    page.checksum = Some(checksum(&page.bytes));
    for encodings in [vec![Encoding::PLAIN, Encoding::RLE], vec![Encoding::DELTA_BINARY_PACKED]] {
        write(&file, encodings.clone(), 3, &[page.clone()]);
        assert_eq!(asked(&file), Ok(SUMS.to_vec()));
        // A bit of an amount, which is another number then.
        let mut flipped = page.clone();
        *flipped.bytes.last_mut().unwrap() ^= 1;
        write(&file, encodings, 3, &[flipped]);
        let fault = "row 1: the file is broken: Page CRC checksum mismatch";
        assert_eq!(asked(&file), Err(fault.to_owned()));
    }
}

/// The file with other metadata.
fn rewrite(file: &Path, change: impl Fn(ParquetMetaData) -> ParquetMetaData) {
    let whole = Bytes::from(std::fs::read(file).unwrap());
    let metadata = ParquetMetaDataReader::new().parse_and_finish(&whole).unwrap();
    let length = u32::from_le_bytes(whole[whole.len() - 8..][..4].try_into().unwrap());
    let mut made = whole[..whole.len() - 8 - length as usize].to_vec();
    ParquetMetaDataWriter::new(&mut made, &change(metadata)).finish().unwrap();
    std::fs::write(file, made).unwrap();
}

#[test]
fn rows_that_nobody_counted_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("x.parquet");
    let encodings = vec![Encoding::PLAIN, Encoding::RLE];
    let fault = "the file is broken: what it says of itself does not fit".to_owned();
    // A column, a row group and the file each say how many there are.
    for count in [2, 4, -1] {
        write(&file, encodings.clone(), count, &[Page::of(&AMOUNTS)]);
        assert_eq!(asked(&file), Err(fault.clone()), "a column of {count}");
        let groups = |metadata: ParquetMetaData| {
            let group = metadata.row_group(0).clone().into_builder().set_num_rows(count);
            let mut made = metadata.into_builder();
            made.take_row_groups();
            made.set_row_groups(vec![group.build().unwrap()]).build()
        };
        write(&file, encodings.clone(), 3, &[Page::of(&AMOUNTS)]);
        rewrite(&file, groups);
        assert_eq!(asked(&file), Err(fault.clone()), "a row group of {count}");
        write(&file, encodings.clone(), 3, &[Page::of(&AMOUNTS)]);
        let mut bytes = std::fs::read(&file).unwrap();
        // The writer counts row groups itself: a whole number, and then a list of one struct.
        let mut made = vec![0x16];
        varint(3, &mut made);
        made.extend([0x19, 0x1c]);
        let at = bytes.windows(4).rposition(|some| some == made).unwrap();
        made.truncate(1);
        varint(count as i32, &mut made);
        bytes[at + 1] = made[1];
        std::fs::write(&file, bytes).unwrap();
        assert_eq!(asked(&file), Err(fault.clone()), "a file of {count}");
    }
}

/// Wherever a disk forgets a bit, there is an answer or a reason, and the reason names the file.
#[test]
fn any_bit_may_be_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("x.parquet");
    write(&file, vec![Encoding::PLAIN, Encoding::RLE], 3, &[Page::of(&AMOUNTS)]);
    let bytes = std::fs::read(&file).unwrap();
    let mut refused = 0;
    let (disk, mut question) =
        (File::options().write(true).open(&file).unwrap(), question(&file, "amount"));
    question.exposures.time = None;
    for bit in 0..8 * bytes.len() {
        let (at, byte) = (bit / 8, bytes[bit / 8]);
        disk.write_all_at(&[byte ^ 1 << (bit % 8)], at as u64).unwrap();
        if let Err(error) = answer(&question, 1) {
            assert_eq!(error.place.file, file, "bit {bit}: {error}");
            refused += 1;
        }
        disk.write_all_at(&[byte], at as u64).unwrap();
    }
    assert!(refused > 3 * bytes.len(), "{refused} of {}", 8 * bytes.len());
}
