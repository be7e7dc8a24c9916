import org.apache.kafka.common.protocol.ApiKeys;

/** Prints the versions of each API that this release of Kafka speaks. */
public class Versions {
    public static void main(String[] arguments) {
        for (ApiKeys api : ApiKeys.values()) {
            System.out.println(api.name + " " + api.oldestVersion() + " " + api.latestVersion());
        }
    }
}
