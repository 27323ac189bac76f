package hubclient

// NewWithDialer returns a client whose connections a test makes.
var NewWithDialer = newWithDialer
