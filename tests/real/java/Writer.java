import java.nio.charset.StandardCharsets;
import java.util.Properties;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/** Writes records with Java's own producer. Arguments: bootstrap servers, topic, what to write, and how much of it. */
public class Writer {
    public static void main(String[] args) throws Exception {
        Properties settings = new Properties();
        settings.put("bootstrap.servers", args[0]);
        settings.put("key.serializer", ByteArraySerializer.class.getName());
        settings.put("value.serializer", ByteArraySerializer.class.getName());
        String topic = args[1];
        switch (args[2]) {
            case "records" -> records(settings, topic, args[3], Integer.parseInt(args[4]));
            case "spread" -> spread(settings, topic, Integer.parseInt(args[3]), Integer.parseInt(args[4]));
            case "transactions" -> transactions(settings, topic, Integer.parseInt(args[3]));
            default -> throw new IllegalArgumentException(args[2]);
        }
    }

    /** Record i: key `key-i` or null for every third, value `value-i` or null for every fifth, timestamp 1,000,000 + i. */
    private static void records(Properties settings, String topic, String compression, int count) throws Exception {
        settings.put("compression.type", compression);
        settings.put("linger.ms", "20");
        try (KafkaProducer<byte[], byte[]> producer = new KafkaProducer<>(settings)) {
            for (int i = 0; i < count; i++) {
                byte[] key = i % 3 == 0 ? null : bytes("key-" + i);
                byte[] value = i % 5 == 0 ? null : bytes("value-" + i);
                ProducerRecord<byte[], byte[]> record =
                    new ProducerRecord<>(topic, 0, 1_000_000L + i, key, value);
                record.headers().add("number", bytes(Integer.toString(i)));
                record.headers().add("nothing", null);
                producer.send(record);
            }
        }
    }

    /** Record i: value `i`, in partition i modulo the number of partitions. */
    private static void spread(Properties settings, String topic, int partitions, int count) throws Exception {
        try (KafkaProducer<byte[], byte[]> producer = new KafkaProducer<>(settings)) {
            for (int i = 0; i < count; i++) {
                producer.send(new ProducerRecord<>(topic, i % partitions, null, bytes(Integer.toString(i))));
            }
        }
    }

    /** Three transactions of `count` records each: `first-i` is committed, `second-i` aborted, `third-i` committed. */
    private static void transactions(Properties settings, String topic, int count) throws Exception {
        settings.put("transactional.id", topic);
        try (KafkaProducer<byte[], byte[]> producer = new KafkaProducer<>(settings)) {
            producer.initTransactions();
            for (String name : new String[] {"first", "second", "third"}) {
                producer.beginTransaction();
                for (int i = 0; i < count; i++) {
                    producer.send(new ProducerRecord<>(topic, 0, null, bytes(name + "-" + i)));
                }
                producer.flush();
                if (name.equals("second")) {
                    producer.abortTransaction();
                } else {
                    producer.commitTransaction();
                }
            }
        }
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }
}
