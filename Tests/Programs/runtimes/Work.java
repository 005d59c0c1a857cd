import java.util.*;
import java.util.concurrent.*;
import java.util.concurrent.atomic.*;

/** Threads that allocate until the collector runs, compiled code, exceptions for null pointers. */
public class Work {
  static int fib(int n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }

  static int lengths(Object[] texts) {
    int sum = 0;
    for (Object text : texts) {
      try {
        sum += text.toString().length();
      } catch (NullPointerException e) {
        sum -= 1;
      }
    }
    return sum;
  }

  public static void main(String[] arguments) throws Exception {
    int scale = arguments.length > 0 ? Integer.parseInt(arguments[0]) : 1;
    AtomicLong total = new AtomicLong();
    ExecutorService pool = Executors.newFixedThreadPool(3);
    List<Future<Integer>> results = new ArrayList<>();
    for (int job = 0; job < 3 * scale; job++) {
      final int number = job;
      results.add(pool.submit(() -> {
        Map<String, byte[]> map = new HashMap<>();
        for (int i = 0; i < 4000; i++) map.put("key" + i % 100, new byte[10000 + number]);
        total.addAndGet(map.size());
        return fib(18) + number;
      }));
    }
    for (Future<Integer> result : results) System.out.println(result.get());
    pool.shutdown();
    Object[] texts = new Object[3000];
    for (int i = 0; i < texts.length; i++) texts[i] = i % 3 == 0 ? null : "text " + i;
    int sum = 0;
    for (int i = 0; i < 30; i++) sum += lengths(texts);
    System.out.println(total + " " + sum + " " + new Random().nextInt() + " " + System.nanoTime());
    System.out.println(new Object().hashCode() + " " + Runtime.getRuntime().availableProcessors());
    System.out.println("EXIT-SUCCESS");
  }
}
