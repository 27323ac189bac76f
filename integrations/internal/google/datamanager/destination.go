package datamanager

// Destination is where data goes:
// https://developers.google.com/data-manager/api/devguides/concepts/destinations
type Destination struct {
	// Reference identifies the destination within a request. It may be empty.
	Reference string `json:"reference,omitempty"`
	// Login is the account that the user can access: a manager account or the operating account itself.
	// nil means the operating account.
	Login     *Account `json:"loginAccount,omitempty"`
	Operating Account  `json:"operatingAccount"`
	// ID is the user list, the conversion action or the data stream within the operating account.
	ID string `json:"productDestinationId"`
}

// Account is an account of one of Google's products.
type Account struct {
	Type AccountType `json:"accountType"`
	ID   string      `json:"accountId"`
}

// AccountType is a product.
type AccountType string

// The products that integrations send data to.
const (
	GoogleAds         AccountType = "GOOGLE_ADS"
	AnalyticsProperty AccountType = "GOOGLE_ANALYTICS_PROPERTY"
)

// resource is the account's resource name.
func (a Account) resource() string { return "accountTypes/" + string(a.Type) + "/accounts/" + a.ID }

// Encoding is how hashes are written.
type Encoding string

// The encodings of hashes. Those of package pii are hexadecimal.
const (
	Hex    Encoding = "HEX"
	Base64 Encoding = "BASE64"
)

// Consent is the consent of the people in a request, or of one person. Empty members are not sent.
type Consent struct {
	AdUserData        ConsentStatus `json:"adUserData,omitempty"`
	AdPersonalization ConsentStatus `json:"adPersonalization,omitempty"`
}

// ConsentStatus is whether people consented.
type ConsentStatus string

// The statuses of consent.
const (
	ConsentGranted ConsentStatus = "CONSENT_GRANTED"
	ConsentDenied  ConsentStatus = "CONSENT_DENIED"
)

// UserData identifies a person by at most [MaxIdentifiers] identifiers.
type UserData struct {
	Identifiers []UserIdentifier `json:"userIdentifiers"`
}

// UserIdentifier has one member. Email and Phone are hashes.
type UserIdentifier struct {
	Email   string   `json:"emailAddress,omitempty"`
	Phone   string   `json:"phoneNumber,omitempty"`
	Address *Address `json:"address,omitempty"`
}

// Address is a person's name and place, which Google matches as a whole. The names are hashes.
type Address struct {
	GivenName  string `json:"givenName"`
	FamilyName string `json:"familyName"`
	RegionCode string `json:"regionCode"`
	PostalCode string `json:"postalCode"`
}
