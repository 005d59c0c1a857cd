print("rrs")
