import Foundation
import TestSupport
import Testing

/// Functions of the program, called in a recording of it that stays as it is.
@Suite(
  "Debugger: diversions", .serialized, .timeLimit(.minutes(10)),
  .enabled(if: canDebug, "rrs isn't built, or gdb isn't installed"))
struct DiversionTests {
  static let look = ["info registers", "x/40xg $sp", "p items", "p calls"]

  @Test func callsLeaveNothingBehind() throws {
    let recording = try DebuggedRecording(TestProgram("debugger/calls"))
    let looks = Self.look.map { "> \($0)\n" }.joined()
    let answers = try recording.debug("""
      > break fib if n == 4
      > continue
      Breakpoint 1, fib (n=4)
      > delete
      \(looks)
      > print fib(3)
      = 2
      > call length("text")
      = 4
      > print fib(length("seven") + fib(length("abc")))
      = 13
      > call (long) write(1, "from a diversion\\n", 17)
      from a diversion
      > print weigh(&items[1], 10)
      = 60
      > print items[1].weight
      = 6
      > print $_strlen(items[3].name)
      = 6
      > call weigh(0, 1)
      received signal SIGSEGV
      > where 1
      \(looks)
      > print n
      = 4
      > finish
      Value returned is …= 3
      > reverse-finish
      fib (n=
      """)
    for command in Self.look {
      let texts = answers.to(command).map { $0.replacing(#/\$[0-9]+ = /#, with: "") }
      #expect(texts.count == 2 && texts.first == texts.last, "\(command): \(answers)")
    }
  }

  /// Nobody is there to wake one who sleeps in a function.
  @Test func sleepsAreOverAtOnce() throws {
    let recording = try DebuggedRecording(TestProgram("debugger/calls"))
    try recording.debug("""
      > break fib if n == 4
      > continue
      Breakpoint 1, fib (n=4)
      > print (int) sleep(100000)
      = 0
      > print (int) usleep(900000000)
      = 0
      > call (long) syscall(202, &calls, 0, calls, 0)
      = -1
      > call (long) syscall(202, &calls, 1, 1, 0)
      = 0
      > finish
      Value returned is …= 3
      """)
  }

  /// What isn't recorded can't be made so; the session lives.
  @Test func writesOutsideOfOneAreRefused() throws {
    let recording = try DebuggedRecording(TestProgram("debugger/calls"))
    try recording.debug("""
      > break weigh
      > continue
      Breakpoint 1, weigh
      > set var item->weight = 7
      can't be changed, except by a function that you call
      Cannot access memory at address
      > print item->weight
      = 1
      > print $rax = 1
      can't be changed, except by a function that you call
      > set var factor = 9
      > print factor
      = 3
      > next
      > next
      > print result
      = 3
      > reverse-continue
      Breakpoint 1, weigh
      """)
  }

  @Test func aLookAtTheSignalIsNone() throws {
    let recording = try DebuggedRecording(TestProgram("debugger/handlers"))
    try recording.debug("""
      > handle SIGALRM nostop noprint pass
      > continue
      Program received signal SIGUSR1
      > print $_siginfo.si_signo
      = 10
      > continue
      Program received signal SIGSEGV
      > print $_siginfo._sifields._sigfault.si_addr
      = (void *) 0x0
      > print alarms
      = 3
      > reverse-continue
      Program received signal SIGUSR1
      """)
  }
}
