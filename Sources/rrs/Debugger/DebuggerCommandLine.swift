import DebugServer
import Debugging
import Glibc
import TraceFormat

/// How a debugger is started for a recording.
struct DebuggerCommandLine {
  var options: DebuggerOptions
  var host: String
  var port: UInt16
  /// The file of the recorded program, where it is now.
  var executable: String
  /// Where the recorded libraries are.
  var sysroot: String
  /// Where the trace has files with debug information.
  var debugDirectory: String?

  init(options: DebuggerOptions, listener: DebugListener, target: some RecordingView) {
    self.options = options
    host = listener.host
    port = listener.port
    executable = target.executableLocation ?? ""
    sysroot = target.systemRoot
    debugDirectory = target.debugDirectory
  }

  /// Stands for the file with rrs's commands.
  static let scriptMark = "<rrs-script>"

  /// `script`: the file, or empty for one that is made later.
  func words(script: String) -> [String] {
    let script = script.isEmpty ? Self.scriptMark : script
    return options.isLLDB ? lldbWords(script) : gdbWords(script)
  }

  private func gdbWords(_ script: String) -> [String] {
    var words = [options.file]
    // Before the executable's symbols are read; then the directory that gdb would look into.
    if let debugDirectory {
      words += ["-iex", "set debug-file-directory \(debugDirectory):\(SystemRoot.debugPath)"]
    }
    // The replay may take its time on the way to where the user wants to be.
    words += ["-l", "10000", "-ex", "set sysroot \(options.servesFiles ? "remote:" : sysroot)"]
    words += ["-x", script, "-ex", "target extended-remote \(host):\(port)"]
    if options.fullName { words.append("--fullname") }
    if let interpreter = options.interpreter { words.append("--interpreter=\(interpreter)") }
    if let file = options.commandFile { words += ["-x", file] }
    words += options.options
    return words + (executable.isEmpty || options.servesFiles ? [] : [executable])
  }

  private func lldbWords(_ script: String) -> [String] {
    var words = [options.file]
    if let debugDirectory {
      words += ["-O", "settings append target.debug-file-search-paths \"\(debugDirectory)\""]
    }
    words += ["--source-quietly", "-o", "command source -s 1 \(script)"]
    words += ["-o", "gdb-remote \(host):\(port)"]
    if let file = options.commandFile { words += ["--source", file] }
    words += options.options
    return words + (executable.isEmpty ? [] : [executable])
  }

  // MARK: - For users

  /// Tells users what to start. gdb takes commands from a regular file only: what `<(rrs gdbinit)` gives isn't one.
  func announce() throws {
    let words = words(script: "/proc/\(getpid())/fd/\(try options.makeScript(isInherited: false))").map(quoted)
    StandardOutput.write(Array("Launch debugger with\n  \(words.joined(separator: " "))\n".utf8), to: STDERR_FILENO)
  }

  private func quoted(_ word: String) -> String {
    let isPlain = word.allSatisfy { $0.isLetter || $0.isNumber || "-_./:=".contains($0) }
    return isPlain && !word.isEmpty ? word : "'" + word.split(separator: "'", omittingEmptySubsequences: false)
      .joined(separator: "'\\''") + "'"
  }
}
