enum DebuggerScripts {
  static let gdb = """
    set prompt (rrs) 
    set unwindonsignal on
    set non-stop off
    set pagination off
    """
  static let lldb = ""
}
