"""The table of attacks: what the application must withstand, in-process and behind uWSGI alike."""

from attacks import questions, requests, samples
from attacks.attack import table

ATTACKS = table(samples.attacks(), questions.attacks(), requests.attacks())
