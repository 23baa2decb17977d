package post

import "wesouthasians.org/sangam/store"

// size asks the setting max_message_size.
func size(p *Post) outcome {
	if n := int64(len(p.Raw)); n > p.List.MaxMessageSize {
		return hold("size "+store.FormatSize(p.List.MaxMessageSize), "%d bytes, more than the %s allowed", n, store.FormatSize(p.List.MaxMessageSize))
	}
	return outcome{}
}
