// Threads, allocation and collection, compiled code, for some ten seconds.
import java.util.*;
public class Bench {
  public static void main(String[] arguments) throws Exception {
    long[] sums = new long[4];
    Thread[] threads = new Thread[4];
    for (int t = 0; t < 4; t++) {
      int id = t;
      threads[t] = new Thread(() -> {
        long sum = 0;
        Map<Integer, String> map = new HashMap<>();
        for (int i = 0; i < 400000000; i++) {
          sum += (i * 31L + id) % 17;
          if (i % 40 == 0) map.put(i % 10007, "v" + i);
        }
        for (String value : map.values()) sum += value.length();
        sums[id] = sum;
      });
      threads[t].start();
    }
    for (Thread thread : threads) thread.join();
    System.out.println(Arrays.stream(sums).sum());
  }
}
