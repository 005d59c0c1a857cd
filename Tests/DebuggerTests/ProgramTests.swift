import Foundation
import TestSupport
import Testing

/// Programs of all kinds under gdb.
@Suite(
  "Debugger: programs", .serialized, .timeLimit(.minutes(10)),
  .enabled(if: canDebug, "rrs isn't built, or gdb isn't installed"))
struct ProgramTests {
  @Test func callsForwardsAndBackwards() throws {
    let recording = try DebuggedRecording(TestProgram("debugger/calls"))
    try recording.debug("""
      > break weigh
      > continue
      Breakpoint 1, weigh (item=…<items>, factor=3)
      > finish
      Run till exit from #0…weigh
      Value returned is $1 = 3
      > reverse-step
      weigh (item=
      }
      > reverse-finish
      Run back to call of #0…weigh
      > delete
      > tbreak fib if n == 2
      > continue
      Temporary breakpoint 2, fib (n=2)
      > p calls
      > where -3
      fib (n=9)
      main ()
      > watch calls
      > reverse-continue
      Hardware watchpoint 3: calls
      Old value = 7
      New value = 6
      fib (n=3)
      > reverse-continue
      Old value = 6
      New value = 5
      fib (n=4)
      > continue
      Old value = 5
      New value = 6
      > delete
      > break length
      > continue
      Breakpoint 4, length (text=…"item 7")
      > next
      > next
      > next
      > p count
      = 6
      > reverse-next
      > reverse-next
      > reverse-next
      length (text=…"item 7")
      > advance 30
      > reverse-continue
      > info registers rip
      length
      """)
  }

  /// The interpreter itself, which has symbols of its functions only.
  @Test(.enabled(if: TestEnvironment.has("python3"), "python3 isn't installed"))
  func python() throws {
    let script = "import json\nfor n in range(3): print(repr(json.loads('[%d, {\"k\": \"v\"}]' % n)))"
    let recording = try DebuggedRecording(["/usr/bin/python3", "-c", script])
    let answers = try recording.debug("""
      > break PyObject_Repr
      > continue
      Breakpoint 1, 0x…in PyObject_Repr ()
      > info registers
      > reverse-stepi
      > where 1
      ! PyObject_Repr
      > stepi
      in PyObject_Repr ()
      > info registers
      > finish
      Run till exit from #0…in PyObject_Repr ()
      > reverse-finish
      ! No more reverse-execution
      > delete
      > break PyObject_Repr
      > continue
      in PyObject_Repr ()
      > info registers
      > reverse-continue
      in PyObject_Repr ()
      > delete
      > reverse-finish
      Run back to call of
      > where 1
      ! PyObject_Repr ()
      > tbreak exit
      > continue
      exit
      """, within: 120)
    let registers = answers.to("info registers")
    #expect(registers.count == 3 && registers[0] == registers[1], "\(answers)")
  }

  /// The worker is forked by the master, which nobody asked for.
  @Test(.enabled(if: TestEnvironment.has("nginx", "curl"), "nginx or curl isn't installed"))
  func nginxWorker() throws {
    let script = """
      echo index > index.html
      cat > nginx.conf <<CONF
      daemon off; worker_processes 1; pid $PWD/nginx.pid; user root;
      events { worker_connections 64; }
      http { access_log $PWD/access.log; client_body_temp_path $PWD/t1; proxy_temp_path $PWD/t2; fastcgi_temp_path $PWD/t3;
      uwsgi_temp_path $PWD/t4; scgi_temp_path $PWD/t5;
      server { listen 127.0.0.1:$((20000 + $$ % 20000)); root $PWD; } }
      CONF
      nginx -p $PWD -c nginx.conf -e error.log &
      until [ -e nginx.pid ]; do sleep 0.05; done
      curl -s http://127.0.0.1:$((20000 + $$ % 20000))/
      nginx -p $PWD -c nginx.conf -e error.log -s quit; wait
      """
    let recording = try DebuggedRecording(["/bin/bash", "-c", script])
    #expect(recording.recording.outputText.contains("index"))
    let processes = try recording.processes()
    let master = try #require(processes.first { $0.command.hasPrefix("nginx") })
    let worker = try #require(processes.first { $0.parent == master.pid })
    try recording.debug(
      """
      > info inferiors
      process \(master.pid)
      > break main
      """, replay: ["-p", "nginx"])
    try recording.debug(
      """
      > info inferiors
      process \(worker.pid)
      > break writev
      > continue
      Breakpoint 1, …writev
      > info threads
      Thread \(worker.pid).\(worker.pid)
      > p $_siginfo.si_signo
      > break recv
      > reverse-continue
      Breakpoint 2, …recv
      > delete 2
      > continue
      Breakpoint 1, …writev
      > delete
      > continue
      ! Breakpoint
      """, replay: ["-f", "\(worker.pid)"], within: 120)
  }

  /// `-f`: a child that runs its parent's program; `-p`: one that executes its own.
  @Test func children() throws {
    let recording = try DebuggedRecording(TestProgram("debugger/family"))
    let processes = try recording.processes()
    guard processes.count == 3 else { throw TestFailure("\(processes)") }
    try recording.debug(
      """
      > info inferiors
      process \(processes[1].pid)
      > break grow
      > continue
      Breakpoint 1, grow (by=10)
      > continue
      Breakpoint 1, grow (by=1)
      > p steps
      = 10
      > reverse-continue
      Breakpoint 1, grow (by=10)
      > where
      elder ()
      > continue
      > continue
      received signal SIGKILL
      > reverse-continue
      Breakpoint 1, grow (by=1)
      """, replay: ["-f", "\(processes[1].pid)"])
    try recording.debug(
      """
      > info inferiors
      process \(processes[2].pid)
      > break grow
      > continue
      Breakpoint 1, grow (by=100)
      > where
      younger ()
      main (count=2
      > continue
      received signal SIGKILL
      > info symbol $pc
      exit
      > reverse-continue
      Breakpoint 1, grow (by=100)
      > reverse-continue
      No more reverse-execution history.
      """, replay: ["-p", "\(processes[2].pid)"])
    try recording.debug(
      """
      > info inferiors
      process \(processes[0].pid)
      > break grow
      > continue
      Breakpoint 1, grow (by=1)
      > p count
      > continue
      """, replay: ["-g", "20"])
  }

  /// The session follows all three processes.
  @Test func severalProcessesAtOnce() throws {
    let recording = try DebuggedRecording(TestProgram("debugger/family"))
    let pids = try recording.processes().map(\.pid)
    guard pids.count == 3 else { throw TestFailure("\(pids)") }
    try recording.debug("""
      > set detach-on-fork off
      > set schedule-multiple on
      > break main
      > continue
      Breakpoint 1, main (count=1
      > break grow
      > continue
      grow (by=10)
      > info inferiors
      process \(pids[0])
      process \(pids[1])
      > continue
      grow (by=1)
      > p steps
      = 10
      > continue
      exited with code 013
      > inferior 1
      > continue
      main (count=2
      > continue
      grow (by=100)
      > info inferiors
      process \(pids[2])
      > p steps
      = 0
      """)
  }

  @Test(arguments: [1, 2, 8]) func threads(_ count: Int) throws {
    let recording = try DebuggedRecording(TestProgram("debugger/workers"), ["\(count)"])
    var text = """
      > break add
      > continue
      add (amount=
      > up
      run (argument=
      > p own == result
      = 1
      > watch shared
      """
    for _ in 0..<count { text += "\n> continue\n> continue" }
    text += "\n> info threads\n> delete\n> break work\n"
    for _ in 0..<count { text += "\n> reverse-continue\n work (number=" }
    text += """

      > p number * 0
      > reverse-continue
      No more reverse-execution history.
      """
    try recording.debug(text)
  }

  @Test func signals() throws {
    let recording = try DebuggedRecording(TestProgram("debugger/handlers"))
    try recording.debug("""
      > handle SIGALRM stop print
      > continue
      Program received signal SIGALRM, Alarm clock.
      main ()
      > p alarms
      = 0
      > break on_alarm
      > continue
      Breakpoint 1, on_alarm (number=14)
      > finish
      <signal handler called>
      > reverse-continue
      Breakpoint 1, on_alarm (number=14)
      > reverse-continue
      Program received signal SIGALRM, Alarm clock.
      > handle SIGALRM nostop noprint pass
      SIGALRM …No…No…Yes
      > delete
      > continue
      Program received signal SIGUSR1
      > p alarms
      = 3
      > p $_siginfo._sifields._kill.si_pid
      > continue
      Program received signal SIGSEGV, Segmentation fault.
      main ()
      > p raised
      = 1
      > watch alarms
      > reverse-continue
      Program received signal SIGUSR1
      > reverse-continue
      Old value = 3
      New value = 2
      on_alarm (number=14)
      > reverse-continue
      Old value = 2
      New value = 1
      > delete
      > break on_fault
      > continue
      Program received signal SIGUSR1
      > continue
      SIGSEGV
      > continue
      Breakpoint 3, on_fault (number=11)
      > delete
      > reverse-stepi
      > reverse-continue
      """)
  }

  /// The program's own trap lies behind its instruction, which must not be passed again.
  @Test func trapsOfTheProgram() throws {
    let recording = try DebuggedRecording(TestProgram("engine/own_addresses"))
    try recording.debug("""
      > handle SIGTRAP stop print pass
      > continue
      Program received signal SIGTRAP
      main ()
      > checkpoint
      > continue
      Program received signal SIGUSR1
      > reverse-continue
      Program received signal SIGTRAP
      main ()
      > restart 1
      > continue
      Program received signal SIGUSR1
      ! diverged
      """)
  }

  /// RRS_TEST_COMPUTATION: how many millions of rounds lie between the breakpoint and the end, about 3 ms each.
  @Test func longComputation() throws {
    let size = TestEnvironment.number("RRS_TEST_COMPUTATION") ?? 200
    let recording = try DebuggedRecording(TestProgram("debugger/computing"), ["\(size)"])
    try recording.debug(
      """
      > break late
      > continue
      Breakpoint 1, late ()
      > break early
      > reverse-continue
      Breakpoint 2, early ()
      > delete
      > break middle
      > continue
      Breakpoint 3, middle ()
      > finish
      > p state
      > reverse-finish
      > watch state if state == 1
      > delete
      > break early
      > reverse-continue
      Breakpoint 5, early ()
      """, within: 240)
  }
}
