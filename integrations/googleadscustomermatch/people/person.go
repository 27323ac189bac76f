package people

import "integrationhub.dev/integrations/internal/google/datamanager"

// Identifier is a value or an address that identifies a person. It has one member:
// https://developers.google.com/google-ads/api/reference/rpc/latest/UserIdentifier
type Identifier struct {
	Email   string   `json:"hashed_email,omitempty"`
	Phone   string   `json:"hashed_phone_number,omitempty"`
	Mobile  string   `json:"mobile_id,omitempty"`
	Address *Address `json:"address_info,omitempty"`
}

// Address is a person's name and place. Google matches it as a whole. Customer Match has no street,
// city or state:
// https://developers.google.com/google-ads/api/reference/rpc/latest/OfflineUserAddressInfo
type Address struct {
	First   string `json:"hashed_first_name"`
	Last    string `json:"hashed_last_name"`
	Country string `json:"country_code"`
	Postal  string `json:"postal_code"`
}

// Person has the identifiers of a row.
type Person []Identifier

// Member returns the person in the form of the Data Manager API.
func (p Person) Member() datamanager.AudienceMember {
	var (
		mobile  []string
		contact []datamanager.UserIdentifier
	)
	for _, i := range p {
		switch {
		case i.Mobile != "":
			mobile = append(mobile, i.Mobile)
		case i.Address != nil:
			contact = append(contact, datamanager.UserIdentifier{Address: &datamanager.Address{
				GivenName: i.Address.First, FamilyName: i.Address.Last, RegionCode: i.Address.Country, PostalCode: i.Address.Postal,
			}})
		default:
			contact = append(contact, datamanager.UserIdentifier{Email: i.Email, Phone: i.Phone})
		}
	}
	if len(mobile) > 0 {
		return datamanager.AudienceMember{Mobile: &datamanager.MobileData{IDs: mobile}}
	}
	return datamanager.AudienceMember{Composite: &datamanager.CompositeData{User: datamanager.UserData{Identifiers: contact}}}
}
