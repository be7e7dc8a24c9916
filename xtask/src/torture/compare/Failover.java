import java.io.FileWriter;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.HashSet;
import java.util.List;
import java.util.Properties;
import java.util.Set;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/**
 * Java's clients, writing down when something comes: a line of microseconds since 1970 and a partition.
 *
 *   produce SERVERS TOPIC FILE           a record every 10 ms into partition 0; a line for each acknowledgement
 *   follow SERVERS TOPIC FILE GROUP SESSION_MS HEARTBEAT_MS   a member of a group; a line for each partition of each poll
 */
public class Failover {
    private static FileWriter file;

    public static void main(String[] args) throws Exception {
        Properties settings = new Properties();
        settings.put("bootstrap.servers", args[1]);
        file = new FileWriter(args[3]);
        switch (args[0]) {
            case "produce" -> produce(settings, args[2]);
            case "follow" -> follow(settings, args[2], args[4], args[5], args[6]);
            default -> throw new IllegalArgumentException(args[0]);
        }
    }

    private static void produce(Properties settings, String topic) throws Exception {
        settings.put("key.serializer", ByteArraySerializer.class.getName());
        settings.put("value.serializer", ByteArraySerializer.class.getName());
        settings.put("linger.ms", "5");
        try (KafkaProducer<byte[], byte[]> producer = new KafkaProducer<>(settings)) {
            System.err.println("ready");
            while (true) {
                producer.send(new ProducerRecord<>(topic, 0, null, new byte[100]), (written, error) -> {
                    if (error == null) {
                        note(Set.of(0));
                    }
                });
                Thread.sleep(10);
            }
        }
    }

    private static void follow(Properties settings, String topic, String group, String session, String heartbeat) {
        settings.put("key.deserializer", ByteArrayDeserializer.class.getName());
        settings.put("value.deserializer", ByteArrayDeserializer.class.getName());
        settings.put("group.id", group);
        settings.put("session.timeout.ms", session);
        settings.put("heartbeat.interval.ms", heartbeat);
        settings.put("auto.offset.reset", "earliest");
        settings.put("fetch.min.bytes", "1");
        try (KafkaConsumer<byte[], byte[]> consumer = new KafkaConsumer<>(settings)) {
            consumer.subscribe(List.of(topic));
            System.err.println("ready");
            while (true) {
                Set<Integer> partitions = new HashSet<>();
                for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofMillis(100))) {
                    partitions.add(record.partition());
                }
                note(partitions);
            }
        }
    }

    private static synchronized void note(Set<Integer> partitions) {
        long now = ChronoUnit.MICROS.between(Instant.EPOCH, Instant.now());
        try {
            for (int partition : partitions) {
                file.write(now + " " + partition + "\n");
            }
            file.flush();
        } catch (IOException error) {
            throw new RuntimeException(error);
        }
    }
}
