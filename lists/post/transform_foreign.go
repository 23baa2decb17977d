package post

import (
	"slices"
	"strings"
)

// foreign fields are of an earlier list, ask for receipts, or tell what only the way to this list was meant to tell, such
// as the password that moderators of Mailman put into Approved. X-Loop stays, for those who wrote it look for it.
var foreign = []string{"archived-at", "precedence", "sender", "return-path", "bcc", "resent-bcc", "return-receipt-to",
	"return-receipt-requested", "disposition-notification-to", "disposition-notification-options", "x-confirm-reading-to",
	"x-pmrqc", "x-receipt-to", "approved", "approve", "x-approved", "x-approve", "delivered-to", "x-original-to", "envelope-to", "errors-to", "mailing-list", "x-mailing-list",
	"x-beenthere", "x-list", "x-mailman-version", "x-mailman-rule-hits", "x-mailman-rule-misses",
	"x-google-group-id", "x-sequence"}

func removeForeign(_ context, m *message) {
	m.remove(func(name string) bool { return strings.HasPrefix(name, "list-") || slices.Contains(foreign, name) })
}
