/// How a debugger is started for a recording.
struct DebuggerCommandLine {
  var options: DebuggerOptions
  var host: String
  var port: UInt16
  /// The file of the recorded program, where it is now.
  var executable: String
  /// Where the recorded libraries are.
  var sysroot: String

  /// Stands for the file with rrs's commands.
  static let scriptMark = "<rrs-script>"

  /// `script`: the file, or empty for one that is made later.
  func words(script: String) -> [String] {
    let script = script.isEmpty ? Self.scriptMark : script
    return options.isLLDB ? lldbWords(script) : gdbWords(script)
  }

  private func gdbWords(_ script: String) -> [String] {
    // The replay may take its time on the way to where the user wants to be.
    var words = [options.file, "-l", "10000", "-ex", "set sysroot \(options.servesFiles ? "remote:" : sysroot)"]
    words += ["-x", script, "-ex", "target extended-remote \(host):\(port)"]
    if options.fullName { words.append("--fullname") }
    if let interpreter = options.interpreter { words.append("--interpreter=\(interpreter)") }
    if let file = options.commandFile { words += ["-x", file] }
    words += options.options
    return words + (executable.isEmpty || options.servesFiles ? [] : [executable])
  }

  private func lldbWords(_ script: String) -> [String] {
    var words = [options.file, "--source-quietly", "-o", "command script import \(script)"]
    words += ["-o", "gdb-remote \(host):\(port)"]
    if let file = options.commandFile { words += ["--source", file] }
    words += options.options
    return words + (executable.isEmpty ? [] : [executable])
  }
}
