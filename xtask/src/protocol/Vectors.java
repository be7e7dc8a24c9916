import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.TreeMap;

import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.errors.InvalidMetadataException;
import org.apache.kafka.common.errors.RetriableException;
import org.apache.kafka.common.protocol.ByteBufferAccessor;
import org.apache.kafka.common.protocol.Errors;
import org.apache.kafka.common.protocol.Message;
import org.apache.kafka.common.protocol.ObjectSerializationCache;
import org.apache.kafka.common.protocol.Readable;
import org.apache.kafka.common.protocol.types.BoundField;
import org.apache.kafka.common.protocol.types.Schema;
import org.apache.kafka.common.protocol.types.Struct;
import org.apache.kafka.common.protocol.types.TaggedFields;
import org.apache.kafka.common.protocol.types.Type;
import org.apache.kafka.common.record.internal.MemoryRecords;

/**
 * Prints what Kafka's own Java client knows, for the tests of kafka-core's protocol.
 *
 * Bytes are made from the client's runtime schemas, value by value in the order of the wire (1, 2, 3, ...), then read and
 * written by its generated classes, which must give the same bytes again.
 */
public class Vectors {
    private int next = 0;
    private final boolean sparse;

    private Vectors(boolean sparse) {
        this.sparse = sparse;
    }

    public static void main(String[] arguments) throws Exception {
        switch (arguments[0]) {
            case "errors" -> errors();
            case "messages" -> {
                for (int i = 1; i < arguments.length; i++) messages(arguments[i]);
            }
            default -> throw new IllegalArgumentException(arguments[0]);
        }
    }

    private static void errors() {
        for (Errors error : Errors.values()) {
            var exception = error.exception();
            System.out.printf("%d %s %b %b%n", error.code(), error.name(),
                exception instanceof RetriableException, exception instanceof InvalidMetadataException);
        }
    }

    private static void messages(String name) throws Exception {
        String suffix = name.endsWith("Request") || name.endsWith("Response") ? "Data" : "";
        Class<?> type = Class.forName("org.apache.kafka.common.message." + name + suffix);
        Schema[] schemas = (Schema[]) type.getField("SCHEMAS").get(null);
        for (short version = 0; version < schemas.length; version++) {
            if (schemas[version] == null) continue;
            for (boolean sparse : new boolean[] {false, true}) {
                Struct struct = new Vectors(sparse).struct(schemas[version]);
                ByteBuffer bytes = ByteBuffer.allocate(struct.sizeOf());
                struct.writeTo(bytes);
                byte[] expected = bytes.array();
                Message message = (Message) type.getConstructor(Readable.class, short.class)
                    .newInstance(new ByteBufferAccessor(ByteBuffer.wrap(expected)), version);
                var cache = new ObjectSerializationCache();
                ByteBuffer again = ByteBuffer.allocate(message.size(cache, version));
                message.write(new ByteBufferAccessor(again), cache, version);
                if (!java.util.Arrays.equals(expected, again.array())) {
                    throw new IllegalStateException(name + " version " + version + " does not round-trip");
                }
                System.out.println(name + " " + version + " " + HexFormat.of().formatHex(expected));
            }
        }
    }

    private Struct struct(Schema schema) {
        Struct struct = new Struct(schema);
        for (BoundField field : schema.fields()) struct.set(field, value(field.def.type));
        return struct;
    }

    private Object value(Type type) {
        if (type instanceof TaggedFields tagged) {
            var values = new TreeMap<Integer, Object>();
            if (!sparse) {
                for (var entry : tagged.fields().entrySet()) values.put(entry.getKey(), value(entry.getValue().type));
            }
            return values;
        }
        if (type.isNullable() && sparse) return null;
        if (type instanceof Schema schema) return struct(schema);
        if (type.isArray()) {
            List<Object> elements = new ArrayList<>();
            for (int i = 0; i < (sparse ? 0 : 2); i++) elements.add(value(type.arrayElementType().get()));
            return elements.toArray();
        }
        next++;
        String name = type.toString();
        if (name.equals("BOOLEAN")) return true;
        if (name.equals("INT8")) return (byte) next;
        if (name.equals("INT16")) return (short) next;
        if (name.equals("UINT16") || name.equals("INT32")) return next;
        if (name.equals("UINT32") || name.equals("INT64")) return (long) next;
        if (name.equals("FLOAT64")) return (double) next;
        if (name.equals("UUID")) return new Uuid(0, next);
        if (name.endsWith("STRING")) return sparse ? "" : "text-" + next;
        byte[] bytes = sparse ? new byte[0] : new byte[] {(byte) 0xca, (byte) 0xfe, (byte) next};
        if (name.endsWith("RECORDS")) return MemoryRecords.readableRecords(ByteBuffer.wrap(bytes));
        if (name.endsWith("BYTES")) return ByteBuffer.wrap(bytes);
        throw new IllegalStateException("no value for " + name);
    }
}
