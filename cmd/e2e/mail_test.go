//go:build e2e

package e2e

// conversation is a small archive: a thread in two languages with an HTML mail, and a mail in Urdu with an attachment.
const conversation = `From asha@example.org Thu Jan  1 10:00:00 2026
From: Asha Rao <asha@example.org>
To: heplink@lists.example.org
Subject: Cold chain in the monsoon
Date: Thu, 01 Jan 2026 10:00:00 +0000
Message-ID: <one@example.org>
Content-Type: text/plain; charset=utf-8

Which box keeps its temperature when the road is closed for two days?
See https://example.org/a-very-long-address/that-goes-on/and-on/and-on/without-a-single-space/until-it-is-wider-than-a-phone/could-ever-be.html

From ravi@example.org Thu Jan  1 11:00:00 2026
From: =?UTF-8?B?4KSw4KS14KS/?= <ravi@example.org>
To: heplink@lists.example.org
Subject: Re: Cold chain in the monsoon
Date: Thu, 01 Jan 2026 11:00:00 +0000
Message-ID: <two@example.org>
In-Reply-To: <one@example.org>
References: <one@example.org>
Content-Type: multipart/alternative; boundary="b"

--b
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: 8bit

> Which box keeps its temperature when the road is closed for two days?

हमारे यहाँ मिट्टी का घड़ा भी काम आता है।
--b
Content-Type: text/html; charset=utf-8
Content-Transfer-Encoding: 8bit

<html><body><p>हमारे यहाँ <b>मिट्टी का घड़ा</b> भी काम आता है।</p>
<table width="2000"><tr><td style="position:fixed">wide</td></tr></table>
<script>document.title = "taken over"</script>
<img src="http://tracker.example.net/pixel.gif" onerror="alert(1)">
<a href="javascript:alert(2)">press</a></body></html>
--b--

From fatima@example.org Thu Jan  1 12:00:00 2026
From: =?UTF-8?B?2YHYp9i32YXbgQ==?= <fatima@example.org>
To: heplink@lists.example.org
Subject: =?UTF-8?B?2YHYp9mE2Ygg2KfZviDYtNuM2bk=?=
Date: Thu, 01 Jan 2026 12:00:00 +0000
Message-ID: <three@example.org>
Content-Type: multipart/mixed; boundary="m"

--m
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: 8bit

السلام علیکم، یہ ہماری فالو اپ شیٹ ہے۔
--m
Content-Type: text/html; name="sheet.html"
Content-Disposition: attachment; filename="sheet.html"

<script>alert("as this site")</script>
--m--

`
