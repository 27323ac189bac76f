package hub

// NewHTTPServer is for tests of what a connection may do.
var NewHTTPServer = newHTTPServer

// Drain makes a server behave as one that stops.
func (s *Server) Drain() { s.draining.Store(true) }

// OfferRemote offers the integrations of other hubs.
func (s *Server) OfferRemote() error { return s.offerRemote() }
