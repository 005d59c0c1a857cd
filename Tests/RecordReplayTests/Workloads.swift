import TestSupport

/// What the tests of real programs run.
enum Workloads {
  static let fileTools: [Workload] = [
    Workload(name: "ls -laR", needs: [], script: "ls -laR /usr/share/doc | tail -n 3000; ls -la /proc/self/"),
    Workload(name: "find", needs: ["find"], script: "find /usr/share -newermt 2001-01-01 -printf '%p %s %T@ %i\\n' | tail -n 3000"),
    Workload(
      name: "tar and xz -T2", needs: ["tar", "xz"],
      script: "tar c /usr/include/linux | xz -T2 -1 > a.tar.xz && xz -dc a.tar.xz | tar t | wc -l && sha256sum a.tar.xz"),
    Workload(
      name: "sort", needs: ["sort"],
      script: """
        awk 'BEGIN { srand(); for (i = 0; i < 60000; i++) print int(rand() * 1e9), i }' > big
        sort -n -S 2M --parallel=2 big > sorted && sort -c -n sorted && head -3 sorted && sort -R big | md5sum
        """),
    Workload(
      name: "git", needs: ["git"],
      script: """
        set -e
        export HOME=$PWD GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b
        git init -q repository; cd repository
        for n in 1 2 3; do seq $((n * 100)) > file$n; git add -A; git commit -q -m "commit $n"; done
        git checkout -q -b side HEAD~1; echo more >> file1; git commit -q -a -m side
        git merge -q -m merge master || git merge -q -m merge main
        cd ..; git clone -q repository copy; cd copy; git log --stat; git fsck; git gc -q; git status
        echo EXIT-SUCCESS
        """, shows: "EXIT-SUCCESS"),
  ]

  static let python: [Workload] = [
    "orders", "threads", "processes", "echo", "signals", "memory", "files",
  ].map {
    Workload(
      name: "python3 \($0).py", needs: ["python3"], script: "exec /usr/bin/python3 \($0).py", files: ["python/\($0).py"],
      shows: "EXIT-SUCCESS")
  }

  private static let calculator = [
    "Makefile", "calculate.h", "lexer.c", "parser.c", "evaluate.c", "symbols.c", "main.c",
  ]

  static let languages: [Workload] = [
    Workload(
      name: "make -j2 and gcc -O2", needs: ["make", "gcc"],
      script: "make -j2 && ./calculate 'x=3*4' 'x^2+sqrt(16)' 'fib(18)' && date +%s%N && ls -li && ./calculate '1/'",
      files: calculator.map { "build/" + $0 }, status: .exited(2), shows: "fib(18) = 2584"),
    Workload(
      name: "g++ and exceptions", needs: ["g++"],
      script: "g++ -O1 -pthread -o exceptions exceptions.cpp && ./exceptions", files: ["build/exceptions.cpp"],
      shows: "EXIT-SUCCESS"),
    Workload(
      name: "perl", needs: ["perl"], script: "exec perl features.pl", files: ["scripts/features.pl"], shows: "EXIT-SUCCESS"),
    Workload(
      name: "bash pipelines and traps", needs: [], script: "exec bash pipelines.sh", files: ["scripts/pipelines.sh"],
      shows: "EXIT-SUCCESS"),
    Workload(
      name: "bash job control", needs: [], script: "exec bash job_control.sh", files: ["scripts/job_control.sh"],
      shows: "EXIT-SUCCESS"),
    Workload(
      name: "sqlite3", needs: ["sqlite3"],
      script: """
        sqlite3 data.db <<'SQL'
        pragma journal_mode = wal;
        create table t (id integer primary key, value text, number real);
        with recursive n(i) as (select 1 union all select i + 1 from n where i < 100000)
          insert into t select i, hex(randomblob(8)), random() from n;
        create index values_index on t (value);
        begin; delete from t where id % 2; select count(*) from t; rollback;
        select count(*), min(value), max(number), datetime('now') from t;
        pragma integrity_check;
        vacuum;
        SQL
        ls -l data.db && sha256sum data.db
        """, shows: "ok"),
  ]

  static let servers: [Workload] = [
    Workload(
      name: "redis-server and redis-cli", needs: ["redis-server", "redis-cli"],
      script: """
        redis-server --port 0 --unixsocket $PWD/redis.sock --save '' --dir $PWD --daemonize no > log &
        until redis-cli -s redis.sock ping 2> /dev/null; do sleep 0.05; done
        for n in 1 2 3; do redis-cli -s redis.sock set key$n "value $RANDOM"; done
        redis-cli -s redis.sock get key2; redis-cli -s redis.sock time
        redis-cli -s redis.sock eval 'return redis.call("incrby", "n", 41) + 1' 0
        redis-cli -s redis.sock save; redis-cli -s redis.sock shutdown nosave
        wait; tail -1 log; echo EXIT-SUCCESS
        """, shows: "EXIT-SUCCESS"),
    Workload(
      name: "nginx and its clients, all recorded", needs: ["nginx", "curl"],
      script: """
        \(nginxConfiguration(port: "$((20000 + $$ % 20000))"))
        nginx -p $PWD -c nginx.conf -e error.log &
        until [ -e nginx.pid ]; do sleep 0.05; done
        port=$(sed -n 's/.*listen 127.0.0.1:\\([0-9]*\\).*/\\1/p' nginx.conf)
        for n in 1 2 3; do curl -s -i http://127.0.0.1:$port/page$((n % 2)); done
        curl -s http://127.0.0.1:$port/ & first=$!; curl -s http://127.0.0.1:$port/page1 & wait $first $!
        nginx -p $PWD -c nginx.conf -e error.log -s quit; wait; cat access.log; echo EXIT-SUCCESS
        """, shows: "EXIT-SUCCESS"),
  ]

  /// Shell lines that write nginx.conf and two pages.
  static func nginxConfiguration(port: String) -> String {
    """
    echo "page zero" > page0; seq 3000 > page1; echo index > index.html
    cat > nginx.conf <<CONF
    daemon off; worker_processes 2; pid $PWD/nginx.pid; user root;
    events { worker_connections 64; }
    http { access_log $PWD/access.log; client_body_temp_path $PWD/t1; proxy_temp_path $PWD/t2; fastcgi_temp_path $PWD/t3;
    uwsgi_temp_path $PWD/t4; scgi_temp_path $PWD/t5;
    server { listen 127.0.0.1:\(port); root $PWD; } }
    CONF
    """
  }
}
