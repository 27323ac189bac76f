package hub

// NewHTTPServer is for tests of what a connection may do.
var NewHTTPServer = newHTTPServer
