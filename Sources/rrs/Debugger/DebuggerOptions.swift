import ArgumentParser
import CLinuxShim
import DebugServer
import Glibc
import KernelABI

/// What `rrs replay` lets users say of the debugger.
struct DebuggerOptions: ParsableArguments {
  @Option(
    name: [.customShort("d"), .customLong("debugger")],
    help: ArgumentHelp("The debugger: gdb, or an lldb by its name.", valueName: "file"))
  var file = "gdb"

  @Option(
    name: [.customShort("o"), .customLong("debugger-option")], parsing: .unconditionalSingleValue,
    help: ArgumentHelp("Hand this to the debugger. May be repeated.", valueName: "option"))
  var options: [String] = []

  @Option(
    name: [.customShort("x"), .customLong("gdb-x")],
    help: ArgumentHelp("Have gdb execute the commands in this file.", valueName: "file"))
  var commandFile: String?

  @Flag(name: .customLong("fullname"), help: "Handed to gdb: for Emacs.")
  var fullName = false

  @Option(
    name: [.customShort("i"), .customLong("interpreter")],
    help: ArgumentHelp("Handed to gdb: for front ends.", valueName: "name"))
  var interpreter: String?

  @Option(
    name: [.customShort("s"), .customLong("dbgport")],
    help: ArgumentHelp(
      "Only serve: wait on this port for a debugger, and print the command that starts it. 0: any free port.",
      valueName: "port"))
  var port: UInt16?

  @Option(
    name: [.customShort("h"), .customLong("dbghost")],
    help: ArgumentHelp("The address to wait at.", valueName: "host"))
  var host = "127.0.0.1"

  @Flag(
    name: [.customShort("k"), .customLong("keep-listening")],
    help: "With -s: wait for the next debugger when one has gone.")
  var keepsListening = false

  @Flag(name: .customLong("serve-files"), help: "Let gdb get all files from the recording, through rrs.")
  var servesFiles = false

  /// lldb, rather than gdb.
  var isLLDB: Bool { file.split(separator: "/").last?.contains("lldb") ?? false }

  /// The commands that rrs adds, as a file in memory.
  func makeScript(isInherited: Bool) throws -> Int {
    let closeOnExec: UInt = 1
    let descriptor = rrs_syscall(
      SyscallNumber.memfd_create, UInt(bitPattern: ("rrs-debugger" as StaticString).utf8Start),
      isInherited ? 0 : closeOnExec, 0, 0, 0, 0)
    let text = Array((isLLDB ? LLDBScript.text : GDBScript.text).utf8)
    guard descriptor >= 0, write(Int32(descriptor), text, text.count) == text.count else {
      throw CommandFailure(message: "cannot write the debugger's commands", status: EX_OSERR)
    }
    return descriptor
  }
}
