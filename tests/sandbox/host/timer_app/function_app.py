"""One timer each second, one at the turn of the year."""

import json

import azure.functions as func

app = func.FunctionApp()


@app.function_name("tick")
@app.timer_trigger(arg_name="timer", schedule="* * * * * *")
@app.queue_output(arg_name="$return", queue_name="ticks", connection="AzureWebJobsStorage")
def tick(timer: func.TimerRequest) -> str:
    return json.dumps({"timer": "tick", "pastDue": timer.past_due})


@app.function_name("yearly")
@app.timer_trigger(arg_name="timer", schedule="%YEARLY%", run_on_startup=True)
@app.queue_output(arg_name="$return", queue_name="ticks", connection="AzureWebJobsStorage")
async def yearly(timer: func.TimerRequest) -> str:
    return json.dumps({"timer": "yearly", "pastDue": timer.past_due})
