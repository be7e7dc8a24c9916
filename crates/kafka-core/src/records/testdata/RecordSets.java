import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import org.apache.kafka.common.compress.Compression;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.apache.kafka.common.record.*;
import org.apache.kafka.common.record.internal.*;

/** Writes the record sets that the tests compare with, or prints what Java reads in a file. See README.md. */
public class RecordSets {
    static final Header[] NONE = new Header[0];

    static byte[] utf8(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    static byte[] text(int size) {
        StringBuilder text = new StringBuilder();
        for (int i = 0; text.length() < size; i++) text.append("line ").append(i * 7919 % 1000).append(", ");
        return utf8(text.substring(0, size));
    }

    static void append(MemoryRecordsBuilder builder, int large) {
        builder.append(1_700_000_000_000L, null, utf8("no key"), NONE);
        builder.append(1_700_000_000_005L, utf8("key"), utf8("value"), NONE);
        builder.append(1_699_999_999_000L, utf8("earlier"), null, NONE);
        builder.append(1_700_000_000_005L, (byte[]) null, null, NONE);
        builder.append(1_800_000_000_000L, new byte[0], new byte[0], new Header[] {
            new RecordHeader("trace", utf8("abc")), new RecordHeader("null", (byte[]) null),
            new RecordHeader("", new byte[0]), new RecordHeader("schlüssel", new byte[] {0, -1, 127}),
            new RecordHeader("trace", utf8("again"))});
        builder.append(0L, utf8("epoch"), text(200), NONE);
        if (large > 0) builder.append(1_700_000_000_006L, utf8("large"), text(large), NONE);
    }

    static MemoryRecordsBuilder builder(CompressionType codec, TimestampType type, long base, ByteBuffer buffer) {
        return MemoryRecords.builder(buffer, RecordBatch.MAGIC_VALUE_V2, Compression.of(codec).build(), type, base, 1_750_000_000_000L,
            RecordBatch.NO_PRODUCER_ID, RecordBatch.NO_PRODUCER_EPOCH, RecordBatch.NO_SEQUENCE, false,
            RecordBatch.NO_PARTITION_LEADER_EPOCH);
    }

    static void write(Path folder, String name, MemoryRecords records) throws Exception {
        ByteBuffer buffer = records.buffer().duplicate();
        byte[] bytes = new byte[buffer.remaining()];
        buffer.get(bytes);
        Files.write(folder.resolve(name + ".bin"), bytes);
    }

    static void generate(Path folder) throws Exception {
        for (CompressionType codec : CompressionType.values()) {
            MemoryRecordsBuilder builder = builder(codec, TimestampType.CREATE_TIME, 0, ByteBuffer.allocate(1 << 20));
            append(builder, codec == CompressionType.NONE ? 0 : 150_000);
            write(folder, codec.name, builder.build());
        }
        MemoryRecordsBuilder time = builder(CompressionType.NONE, TimestampType.LOG_APPEND_TIME, 40, ByteBuffer.allocate(4096));
        append(time, 0);
        write(folder, "log-append-time", time.build());

        MemoryRecordsBuilder gaps = builder(CompressionType.NONE, TimestampType.CREATE_TIME, 100, ByteBuffer.allocate(4096));
        for (long offset : new long[] {102, 103, 107}) gaps.appendWithOffset(offset, 5L, null, utf8("at " + offset));
        write(folder, "compacted", gaps.build());

        MemoryRecordsBuilder transactional = MemoryRecords.builder(ByteBuffer.allocate(4096), RecordBatch.MAGIC_VALUE_V2,
            Compression.NONE, TimestampType.CREATE_TIME, 0, -1L, 4711L, (short) 12, 99, true, -1);
        append(transactional, 0);
        write(folder, "transactional", transactional.build());

        write(folder, "commit", MemoryRecords.withEndTransactionMarker(7L, 1_700_000_000_000L, 3, 4711L, (short) 12,
            new EndTransactionMarker(ControlRecordType.COMMIT, 5)));
        write(folder, "abort", MemoryRecords.withEndTransactionMarker(8L, 1_700_000_000_000L, 3, 4711L, (short) 12,
            new EndTransactionMarker(ControlRecordType.ABORT, 5)));
    }

    static String hex(ByteBuffer buffer) {
        if (buffer == null) return "null";
        byte[] bytes = new byte[buffer.remaining()];
        buffer.duplicate().get(bytes);
        return "[" + HexFormat.of().formatHex(bytes) + "]";
    }

    static void print(Path file) throws Exception {
        MemoryRecords records = MemoryRecords.readableRecords(ByteBuffer.wrap(Files.readAllBytes(file)));
        for (RecordBatch batch : records.batches()) {
            batch.ensureValid();
            System.out.println("batch " + batch.baseOffset() + " " + batch.lastOffset() + " " + batch.countOrNull() + " "
                + batch.compressionType().name + " " + batch.maxTimestamp() + " " + batch.producerId() + " "
                + batch.producerEpoch() + " " + batch.baseSequence());
            for (org.apache.kafka.common.record.internal.Record record : batch) {
                StringBuilder line = new StringBuilder("record " + record.offset() + " " + record.timestamp() + " " + hex(record.key()) + " " + hex(record.value()));
                for (Header header : record.headers())
                    line.append(" ").append(hex(ByteBuffer.wrap(utf8(header.key())))).append("=")
                        .append(hex(header.value() == null ? null : ByteBuffer.wrap(header.value())));
                System.out.println(line);
            }
        }
    }

    public static void main(String[] args) throws Exception {
        if (args.length == 2 && args[0].equals("generate")) generate(Path.of(args[1]));
        else if (args.length == 2 && args[0].equals("print")) print(Path.of(args[1]));
        else throw new IllegalArgumentException("generate FOLDER | print FILE");
    }
}
