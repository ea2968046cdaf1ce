// Keeps the board at the harbour gate. Tells the collector what a visitor saw and did: without a
// visitor id nothing can be counted for the experiment, but a sign-up is still a sign-up and is
// sent with an empty id.
(function () {
  "use strict";
  var page = document.body.dataset;

  function beacon(event) {
    var body = { event: event, user_id: page.visitor, arm: page.arm, page: page.page };
    navigator.sendBeacon("/collect", JSON.stringify(body));
  }

  // The page of one hero alone counts nobody.
  if (page.arm && page.page === "home" && document.querySelector("#hero-old, #hero-new")) {
    beacon("exposure");
  }

  var time = document.getElementById("board-time");
  var boats = document.getElementById("board-boats");
  function board() {
    var now = new Date();
    time.textContent = [now.getHours(), now.getMinutes()]
      .map(function (part) {
        return String(part).padStart(2, "0");
      })
      .join(":");
    boats.textContent = String(12 + Math.floor(Math.random() * 30));
  }
  if (time && boats) {
    board();
    setInterval(board, 5000);
  }

  var form = document.getElementById("signup");
  if (!form) {
    return;
  }
  form.addEventListener("submit", function (submitted) {
    submitted.preventDefault();
    var button = form.querySelector("button");
    var failed = document.getElementById("signup-error");
    button.disabled = true;
    failed.hidden = true;
    fetch(form.action, {
      method: "POST",
      headers: { Accept: "application/json" },
      body: new URLSearchParams(new FormData(form)),
    })
      .then(function (answer) {
        if (!answer.ok) {
          throw new Error("sign-up answered " + answer.status);
        }
        beacon("signup");
        location.assign("/thanks");
      })
      .catch(function () {
        button.disabled = false;
        failed.hidden = false;
      });
  });
})();
